import { Tooltip } from "radix-ui";
import type { ReactNode } from "react";

type HintProps = {
  /** What the hint says. */
  text: ReactNode;
  side?: "top" | "right" | "bottom" | "left";
  /** The element it belongs to; it must be able to take a ref and focus. */
  children: ReactNode;
};

export const HintProvider = Tooltip.Provider;

/** A short explanation on hover and focus. */
export function Hint({ text, side = "top", children }: HintProps) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content
          side={side}
          sideOffset={6}
          collisionPadding={8}
          className="z-50 max-w-80 animate-pop rounded-md bg-ink px-2 py-1 text-xs text-canvas shadow-raised"
        >
          {text}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}
