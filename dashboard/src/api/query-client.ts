import { QueryCache, QueryClient } from "@tanstack/react-query";

import { ApiError, isSignedOut } from "./client";

const STALE_MS = 10_000;
const RETRIES_MAX = 2;

/** A fresh cache; `onSignedOut` is called whenever an answer says that the session has ended. */
export function createQueryClient(onSignedOut: () => void): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        if (isSignedOut(error) && query.queryKey[0] !== "session") onSignedOut();
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: STALE_MS,
        // What the server refused stays refused; only trouble on the way is worth another try.
        retry: (failures, error) => failures < RETRIES_MAX && !isRefusal(error),
      },
    },
  });
}

function isRefusal(error: unknown): boolean {
  return error instanceof ApiError && error.status >= 400 && error.status < 500;
}
