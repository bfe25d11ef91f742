import { cva, type VariantProps } from "class-variance-authority";
import type { ComponentProps } from "react";

import { cn } from "./cn";

const badge = cva(
  "inline-flex h-5 max-w-full items-center gap-1 rounded-full px-2 text-2xs font-medium whitespace-nowrap [&_svg]:size-3 [&_svg]:shrink-0",
  {
    variants: {
      tone: {
        neutral: "bg-ink/6 text-soft",
        green: "bg-green-wash text-green",
        blue: "bg-blue-wash text-blue",
        orange: "bg-orange-wash text-orange",
        red: "bg-red-wash text-red",
        violet: "bg-violet-wash text-violet",
        sandbox: "bg-sandbox-wash text-sandbox-ink",
      },
    },
    defaultVariants: { tone: "neutral" },
  },
);

export type Tone = NonNullable<VariantProps<typeof badge>["tone"]>;

type BadgeProps = ComponentProps<"span"> & { tone?: Tone };

export function Badge({ tone, className, ...rest }: BadgeProps) {
  return <span className={cn(badge({ tone }), className)} {...rest} />;
}

const DOTS: Record<Tone, string> = {
  neutral: "bg-muted",
  green: "bg-green",
  blue: "bg-blue",
  orange: "bg-orange",
  red: "bg-red",
  violet: "bg-violet",
  sandbox: "bg-sandbox",
};

/** A small coloured dot; what it means stands beside it or in its hint. */
export function Dot({ tone }: { tone: Tone }) {
  return <span aria-hidden className={cn("inline-block size-1.5 shrink-0 rounded-full", DOTS[tone])} />;
}
