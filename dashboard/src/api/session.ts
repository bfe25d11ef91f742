import { queryOptions, useMutation } from "@tanstack/react-query";

import { clientOf, unwrap } from "./client";

/** Sessions belong to the whole organization; which environment is named here does not matter. */
const client = clientOf("sandbox");

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }) => unwrap(client.POST("/v1/sessions.get", { signal })),
  staleTime: Infinity,
});

export function requestCode(email: string) {
  return unwrap(client.POST("/v1/sessions.request_code", { body: { email } }));
}

/** Signs in with what came by e-mail, or with the token of a one-time link. */
export function createSession(proof: { email: string; code: string } | { link: string }) {
  return unwrap(client.POST("/v1/sessions.create", { body: proof }));
}

export function useSignOut() {
  return useMutation({ mutationFn: () => unwrap(client.POST("/v1/sessions.delete")) });
}
