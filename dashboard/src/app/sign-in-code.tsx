import { useMutation } from "@tanstack/react-query";
import { ArrowLeft } from "lucide-react";
import { useEffect, useState } from "react";

import { requestCode } from "@/api/session";
import { Button } from "@/ui/button";
import { Input } from "@/ui/input";

const CODE_LENGTH = 6;
const RESEND_SECONDS = 30;

type CodeStepProps = {
  email: string;
  failure: Error | null;
  busy: boolean;
  onCode: (code: string) => void;
  onBack: () => void;
};

/** The second step: the code. It is sent off by its sixth digit. */
export function CodeStep({ email, failure, busy, onCode, onBack }: CodeStepProps) {
  const [code, setCode] = useState("");
  const submit = (typed: string) => {
    const digits = typed.replace(/\D/g, "").slice(0, CODE_LENGTH);
    setCode(digits);
    if (digits.length === CODE_LENGTH && digits !== code) onCode(digits);
  };
  return (
    <form
      className="mt-2 grid gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (code.length === CODE_LENGTH) onCode(code);
      }}
    >
      <p className="text-pretty text-muted">
        Look in your e-mail, <span className="font-medium text-ink">{email}</span>. A server without SMTP prints the
        code in its log.
      </p>
      <label htmlFor="code" className="mt-2 font-medium">
        Six-digit code
      </label>
      <Input
        id="code"
        // eslint-disable-next-line jsx-a11y/no-autofocus -- the only thing to do on this page
        autoFocus
        inputMode="numeric"
        autoComplete="one-time-code"
        value={code}
        disabled={busy}
        placeholder="······"
        aria-invalid={failure !== null}
        className="h-12 text-center indent-[0.5em] font-mono text-xl! tracking-[0.5em]"
        onChange={(event) => {
          submit(event.target.value);
        }}
      />
      {failure !== null && !busy && (
        <p role="alert" className="text-red">
          {failure.message}
        </p>
      )}
      <Button type="submit" look="primary" size="large" disabled={busy || code.length < CODE_LENGTH}>
        {busy ? "Checking…" : "Sign in"}
      </Button>
      <div className="flex justify-between">
        <Button look="quiet" size="small" className="-ml-2" onClick={onBack}>
          <ArrowLeft aria-hidden /> Another address
        </Button>
        <Resend email={email} />
      </div>
    </form>
  );
}

/** Asks for another code, once the last one has had time to arrive. */
function Resend({ email }: { email: string }) {
  const [left, setLeft] = useState(RESEND_SECONDS);
  const request = useMutation({
    mutationFn: requestCode,
    onSettled: () => {
      setLeft(RESEND_SECONDS);
    },
  });
  useEffect(() => {
    if (left === 0) return;
    const timer = setTimeout(() => {
      setLeft(left - 1);
    }, 1000);
    return () => {
      clearTimeout(timer);
    };
  }, [left]);
  return (
    <Button
      look="quiet"
      size="small"
      className="-mr-2 tabular-nums"
      disabled={left > 0 || request.isPending}
      onClick={() => {
        request.mutate(email);
      }}
    >
      {request.isError ? "Try again" : "Send another code"}
      {left > 0 && ` (${left})`}
    </Button>
  );
}
