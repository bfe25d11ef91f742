/** Search parameters are plain text, so that addresses stay short and readable: `?q=acme&plan=pro`. */
export function parseSearch(search: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(search));
}

/** The other way; what is not given is left out. */
export function stringifySearch(search: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(search).flatMap(([key, value]) =>
    typeof value === "string" || typeof value === "number" ? [[key, String(value)]] : [],
  );
  const text = new URLSearchParams(pairs).toString();
  return text === "" ? "" : `?${text}`;
}

/** Where to go after signing in: a path of this dashboard, never another site. Nothing for its start page. */
export function readNext(next: unknown): string | undefined {
  return typeof next === "string" && /^\/[^/\\]/.test(next) && !next.startsWith("/sign-in") ? next : undefined;
}

/** The token of a one-time link, from a fragment with or without its `#`. */
export function readLink(fragment: string): string | undefined {
  return new URLSearchParams(fragment.replace(/^#/, "")).get("link") ?? undefined;
}
