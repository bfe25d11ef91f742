import { useMutation, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useLocation, useRouter } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";

import { createSession, sessionQuery } from "@/api/session";
import { useTitle } from "@/ui/title";

import { readLink } from "./address";
import { Logo } from "./logo";
import { CodeStep } from "./sign-in-code";
import { EmailStep } from "./sign-in-email";

const route = getRouteApi("/sign-in");

/** The way in: a code that comes by e-mail, or a one-time link that the server printed. */
export function SignIn() {
  useTitle("Sign in");
  const { next } = route.useSearch();
  const navigate = route.useNavigate();
  const router = useRouter();
  const queryClient = useQueryClient();
  const [email, setEmail] = useState<string>();
  const enter = useMutation({
    mutationFn: createSession,
    onSuccess: (session) => {
      queryClient.clear();
      queryClient.setQueryData(sessionQuery.queryKey, session);
      router.history.push(next ?? "/");
    },
  });

  const link = readLink(useLocation().hash);
  const usedLink = useRef<string>(undefined);
  const { mutate } = enter;
  useEffect(() => {
    if (link === undefined || usedLink.current === link) return;
    usedLink.current = link;
    // The token works once, but it need not stay in the address bar and the history.
    void navigate({ search: (before) => before, hash: "", replace: true });
    mutate({ link });
  }, [link, mutate, navigate]);

  const entering = enter.isSuccess || (enter.isPending && "link" in enter.variables);
  return (
    <main className="grid min-h-dvh place-items-center px-6 py-16">
      <div className="w-full max-w-88">
        <Logo className="mb-5 size-10" />
        <h1 className="text-xl font-semibold tracking-tight">Sign in to Sumac</h1>
        {entering ? (
          <p role="status" className="mt-2 animate-pulse text-muted">
            Signing you in…
          </p>
        ) : email === undefined ? (
          <EmailStep failure={enter.error} onSent={setEmail} onStart={enter.reset} />
        ) : (
          <CodeStep
            email={email}
            failure={enter.error}
            busy={enter.isPending}
            onCode={(code) => {
              mutate({ email, code });
            }}
            onBack={() => {
              enter.reset();
              setEmail(undefined);
            }}
          />
        )}
      </div>
    </main>
  );
}
