import { cn } from "./cn";

/** The shape of something that is still on its way. */
export function Skeleton({ className }: { className?: string }) {
  return (
    <span aria-hidden className={cn("inline-block h-3 animate-pulse rounded-sm bg-ink/8 align-middle", className)} />
  );
}
