import { useSyncExternalStore } from "react";

export const THEMES = ["light", "dark", "system"] as const;

export type Theme = (typeof THEMES)[number];

/** Also read by public/theme.js, before the first paint. */
const KEY = "sumac.theme";

const dark = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();
let chosen: Theme = THEMES.find((theme) => theme === localStorage.getItem(KEY)) ?? "system";

function paint(): void {
  document.documentElement.classList.toggle("dark", chosen === "dark" || (chosen === "system" && dark.matches));
}

dark.addEventListener("change", paint);
addEventListener("storage", (event) => {
  if (event.key !== KEY) return;
  chosen = THEMES.find((theme) => theme === event.newValue) ?? "system";
  paint();
  for (const changed of listeners) changed();
});

/** Chooses how the dashboard looks in this browser, in all its tabs. */
export function setTheme(theme: Theme): void {
  chosen = theme;
  localStorage.setItem(KEY, theme);
  paint();
  for (const changed of listeners) changed();
}

export function useTheme(): Theme {
  return useSyncExternalStore(
    (changed) => {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    () => chosen,
  );
}
