import { useMutation } from "@tanstack/react-query";

import { requestCode } from "@/api/session";
import { Button } from "@/ui/button";
import { Input } from "@/ui/input";

type EmailStepProps = {
  /** Why a one-time link did not work. */
  failure: Error | null;
  onStart: () => void;
  onSent: (email: string) => void;
};

/** The first step: who are you? */
export function EmailStep({ failure, onStart, onSent }: EmailStepProps) {
  const request = useMutation({
    mutationFn: requestCode,
    onSuccess: (_, email) => {
      onSent(email);
    },
  });
  const error = request.error ?? failure;
  return (
    <form
      className="mt-2 grid gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        onStart();
        const email = new FormData(event.currentTarget).get("email");
        if (typeof email === "string") request.mutate(email.trim());
      }}
    >
      <p className="text-pretty text-muted">We send you a six-digit code.</p>
      <label className="mt-2 grid gap-1.5 font-medium">
        Email
        {}
        <Input
          type="email"
          name="email"
          required
          // eslint-disable-next-line jsx-a11y/no-autofocus -- the only thing to do on this page
          autoFocus
          autoComplete="email"
          placeholder="you@company.com"
          className="h-10 font-normal"
        />
      </label>
      {error !== null && (
        <p role="alert" className="text-red">
          {error.message}
        </p>
      )}
      <Button type="submit" look="primary" size="large" disabled={request.isPending}>
        {request.isPending ? "Sending…" : "Continue"}
      </Button>
      <p className="text-xs text-pretty text-muted">
        Running the server yourself? <code className="font-mono text-ink">sumac sign-in</code> prints a link that signs
        you in.
      </p>
    </form>
  );
}
