import type { ComponentProps } from "react";

import { cn } from "./cn";

export function Input({ className, ...rest }: ComponentProps<"input">) {
  return (
    <input
      className={cn(
        "h-8 w-full rounded-md border border-line-strong bg-panel px-2.5 text-13 shadow-[0_1px_1px_rgb(0_0_0/3%)] outline-none focus-visible:border-accent focus-visible:ring-3 focus-visible:ring-accent/15 disabled:opacity-50 max-md:text-base",
        className,
      )}
      {...rest}
    />
  );
}
