import createClient, { type Client } from "openapi-fetch";

import type { Environment } from "./environment";
import type { paths } from "./schema";

/** The contract this dashboard is written for. */
const API_VERSION = "2.3.0";

/** An answer that is not a success: `message` is the server's sentence, `code` what a program can act on. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
  ) {
    super(message);
  }
}

const clients = new Map<Environment, Client<paths>>();

/** The client that speaks for one environment, with the session's cookie. */
export function clientOf(environment: Environment): Client<paths> {
  let client = clients.get(environment);
  if (client === undefined) {
    client = createClient<paths>({
      credentials: "same-origin",
      headers: { "x-client-type": "dashboard", "x-api-version": API_VERSION, app_env: environment },
    });
    clients.set(environment, client);
  }
  return client;
}

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The data of an answer. Throws ApiError for everything that is not a success, also when no answer came at all. */
export async function unwrap<T>(pending: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await pending;
  } catch (failure) {
    if (failure instanceof DOMException && failure.name === "AbortError") throw failure;
    throw new ApiError("The server cannot be reached. Is it running?", 0, "unreachable");
  }
  if (answer.response.ok && answer.data !== undefined) return answer.data;
  throw apiError(answer.error, answer.response.status);
}

function apiError(body: unknown, status: number): ApiError {
  const said = typeof body === "object" && body !== null ? (body as Partial<Record<string, unknown>>) : {};
  const message = typeof said.message === "string" ? said.message : `The server answered with status ${status}.`;
  const code = typeof said.code === "string" ? said.code : "unknown";
  return new ApiError(message, status, code);
}

/** True for the answer that means: nobody is signed in. */
export function isSignedOut(error: unknown): boolean {
  return error instanceof ApiError && error.status === 401 && error.code !== "invalid_code";
}

/** True for the answer that means: nothing of that id exists here. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}
