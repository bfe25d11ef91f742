import { RotateCw, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";

import { Button } from "./button";
import { cn } from "./cn";

type NothingProps = {
  icon?: ReactNode;
  title: string;
  /** One sentence. */
  children?: ReactNode;
  /** What one can do about it. */
  action?: ReactNode;
  className?: string;
};

/** What stands where there is nothing to show. */
export function Nothing({ icon, title, children, action, className }: NothingProps) {
  return (
    <div className={cn("flex flex-col items-center gap-1 px-6 py-8 text-center", className)}>
      {icon !== undefined && (
        <div className="mb-2 grid size-9 place-items-center rounded-lg border bg-sunken text-muted [&_svg]:size-4">
          {icon}
        </div>
      )}
      <p className="font-medium">{title}</p>
      {children !== undefined && <div className="max-w-md text-pretty text-muted">{children}</div>}
      {action !== undefined && <div className="mt-3 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  );
}

type TroubleProps = {
  /** What could not be shown. */
  title: string;
  error: Error;
  onRetry: () => void;
  className?: string;
};

/** What stands where something could not be loaded, in the server's own words, with another try. */
export function Trouble({ title, error, onRetry, className }: TroubleProps) {
  return (
    <div role="alert" className={cn("flex flex-col items-center gap-1 px-6 py-8 text-center", className)}>
      <div className="mb-2 grid size-9 place-items-center rounded-lg bg-red-wash text-red">
        <TriangleAlert className="size-4" aria-hidden />
      </div>
      <p className="font-medium">{title}</p>
      <p className="max-w-md text-pretty text-muted">{error.message}</p>
      <Button className="mt-3" onClick={onRetry}>
        <RotateCw aria-hidden /> Try again
      </Button>
    </div>
  );
}
