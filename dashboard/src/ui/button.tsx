import { cva, type VariantProps } from "class-variance-authority";
import { Slot } from "radix-ui";
import type { ComponentProps } from "react";

import { cn } from "./cn";

const button = cva(
  "inline-flex shrink-0 items-center justify-center gap-1.5 rounded-md font-medium whitespace-nowrap transition-colors select-none disabled:pointer-events-none disabled:opacity-45 [&_svg]:size-3.5 [&_svg]:shrink-0",
  {
    variants: {
      look: {
        primary: "bg-accent text-accent-ink hover:bg-accent/90",
        outline: "border border-line-strong bg-panel text-ink shadow-[0_1px_1px_rgb(0_0_0/3%)] hover:bg-hover",
        quiet: "text-soft hover:bg-ink/6 hover:text-ink data-[state=open]:bg-ink/6",
      },
      size: {
        small: "h-7 px-2 text-xs",
        medium: "h-8 px-3 text-13",
        large: "h-10 px-4 text-sm",
        icon: "size-7",
      },
    },
    defaultVariants: { look: "outline", size: "medium" },
  },
);

type ButtonProps = ComponentProps<"button"> & VariantProps<typeof button> & { asChild?: boolean };

export function Button({ look, size, asChild = false, className, type = "button", ...rest }: ButtonProps) {
  const Element = asChild ? Slot.Root : "button";
  return <Element {...(asChild ? {} : { type })} className={cn(button({ look, size }), className)} {...rest} />;
}
