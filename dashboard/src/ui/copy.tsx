import { Check, Copy as CopyIcon } from "lucide-react";

import { useClipboard } from "./clipboard";
import { cn } from "./cn";

type CopyProps = {
  /** What goes to the clipboard, and stands on the button unless `children` say otherwise. */
  value: string;
  /** What it is, for those who cannot see where it stands. */
  label: string;
  mono?: boolean;
  className?: string;
};

/** A value that one click copies; it never leads anywhere. */
export function Copy({ value, label, mono = false, className }: CopyProps) {
  const { copied, copy } = useClipboard();
  const Icon = copied ? Check : CopyIcon;
  return (
    <button
      type="button"
      title={value}
      aria-label={`Copy ${label} ${value}`}
      onClick={() => {
        copy(value);
      }}
      className={cn(
        "group/copy relative inline-flex max-w-full min-w-0 items-center rounded-sm text-soft transition-colors hover:text-ink",
        mono && "font-mono text-xs",
        className,
      )}
    >
      <span dir="auto" className="truncate">
        {value}
      </span>
      <Icon
        aria-hidden
        className={cn(
          "absolute left-full ml-1 size-3 transition-opacity",
          copied
            ? "text-green"
            : "text-muted opacity-0 group-hover/copy:opacity-100 group-focus-visible/copy:opacity-100 pointer-coarse:opacity-60",
        )}
      />
      <span aria-live="polite" className="sr-only">
        {copied ? "Copied" : ""}
      </span>
    </button>
  );
}
