import { type RefObject, useEffect } from "react";

/** True while keys belong to something else: a field, an open menu, a dialog. */
function isTaken(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return true;
  return (
    event.target instanceof Element &&
    event.target.closest("input, textarea, select, [role=menu], [role=dialog]") !== null
  );
}

/** Calls back when a plain key is pressed while nobody is typing. Names are those of `KeyboardEvent.key`. */
export function useKeys(bindings: Readonly<Record<string, () => void>>): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const act = Object.hasOwn(bindings, event.key) ? bindings[event.key] : undefined;
      if (act === undefined || isTaken(event)) return;
      event.preventDefault();
      act();
    };
    addEventListener("keydown", listen);
    return () => {
      removeEventListener("keydown", listen);
    };
  });
}

/** Moves the focus along the links that lead from the rows inside `container`: j or ↓ forward, k or ↑ back. */
export function useRowKeys(container: RefObject<HTMLElement | null>): void {
  const move = (step: 1 | -1) => {
    const links = [...(container.current?.querySelectorAll<HTMLElement>("[data-row-link]") ?? [])];
    const current = links.findIndex((link) => link === document.activeElement);
    const next = current === -1 ? (step === 1 ? 0 : links.length - 1) : current + step;
    links[next]?.focus();
  };
  const forward = () => {
    move(1);
  };
  const back = () => {
    move(-1);
  };
  useKeys({ j: forward, ArrowDown: forward, k: back, ArrowUp: back });
}
