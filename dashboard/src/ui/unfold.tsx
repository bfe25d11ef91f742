import { ChevronRight } from "lucide-react";

import { cn } from "./cn";

type UnfoldProps = {
  open: boolean;
  onToggle: () => void;
  /** What it shows or hides. */
  label: string;
};

/** The arrow that shows or hides the details of a row. */
export function Unfold({ open, onToggle, label }: UnfoldProps) {
  return (
    <button
      type="button"
      aria-expanded={open}
      aria-label={label}
      onClick={onToggle}
      className="grid size-5 place-items-center rounded-sm text-muted hover:bg-ink/6 hover:text-ink"
    >
      <ChevronRight aria-hidden className={cn("size-3.5 transition-transform", open && "rotate-90")} />
    </button>
  );
}
