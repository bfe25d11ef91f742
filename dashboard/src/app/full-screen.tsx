import { type ErrorComponentProps, Link } from "@tanstack/react-router";
import { Compass } from "lucide-react";

import { Button } from "@/ui/button";
import { Nothing, Trouble } from "@/ui/notice";
import { useTitle } from "@/ui/title";

import { Logo } from "./logo";

/** While the first answer is on its way. */
export function Opening() {
  return (
    <div role="status" aria-label="Loading" className="grid min-h-dvh place-items-center">
      <Logo className="size-9 animate-pulse" />
    </div>
  );
}

/** An address that leads nowhere. */
export function NotFound() {
  useTitle("Not found");
  return (
    <main className="grid min-h-[70dvh] place-items-center">
      <Nothing
        icon={<Compass aria-hidden />}
        title="Not found"
        action={
          <Button asChild>
            <Link to="/">Go to customers</Link>
          </Button>
        }
      >
        There is no page at this address.
      </Nothing>
    </main>
  );
}

/** Something that nobody foresaw. */
export function Crash({ error, reset }: ErrorComponentProps) {
  useTitle("Something went wrong");
  return (
    <main className="grid min-h-[70dvh] place-items-center">
      <Trouble
        title="This page could not be shown"
        error={error instanceof Error ? error : new Error(String(error))}
        onRetry={reset}
      />
    </main>
  );
}
