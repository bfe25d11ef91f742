import { QueryCache, QueryClient } from "@tanstack/react-query";

import { ApiError, isSignedOut } from "./client";

const STALE_MS = 10_000;
const RETRIES_MAX = 2;

type Troubles = {
  /** An answer said that the session has ended. */
  onSignedOut: () => void;
  /** What is on screen could not be renewed, and is from before. */
  onStale: (error: Error) => void;
};

/** A fresh cache that reports the troubles which no single part of a page can show. */
export function createQueryClient({ onSignedOut, onStale }: Troubles): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        if (query.queryKey[0] === "session") return;
        if (isSignedOut(error)) onSignedOut();
        else if (query.state.data !== undefined) onStale(error);
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
