import { useSyncExternalStore } from "react";

/** Below a phone's width turned upright, and below where a sidebar leaves too little for a table. The same as Tailwind's md and lg. */
const WIDTHS = { md: matchMedia("(width < 48rem)"), lg: matchMedia("(width < 64rem)") };

/** True while the window is narrower than that. */
export function useBelow(width: keyof typeof WIDTHS): boolean {
  const query = WIDTHS[width];
  return useSyncExternalStore(
    (changed) => {
      query.addEventListener("change", changed);
      return () => {
        query.removeEventListener("change", changed);
      };
    },
    () => query.matches,
  );
}
