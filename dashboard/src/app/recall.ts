import type { Environment } from "@/api/environment";

const KEY = "sumac.environment";

/** The environment this browser last looked at; the sandbox at first. */
export function recalledEnvironment(): Environment {
  return localStorage.getItem(KEY) === "live" ? "live" : "sandbox";
}

export function recallEnvironment(environment: Environment): void {
  localStorage.setItem(KEY, environment);
}
