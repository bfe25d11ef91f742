import { createContext, useContext } from "react";

/** The two halves of an organization; nothing is shared between them. */
export type Environment = "sandbox" | "live";

export function isEnvironment(value: string): value is Environment {
  return value === "sandbox" || value === "live";
}

const EnvironmentContext = createContext<Environment>("sandbox");

export const EnvironmentProvider = EnvironmentContext.Provider;

/** The environment that the page's address names. */
export function useEnvironment(): Environment {
  return useContext(EnvironmentContext);
}
