import { ChevronDown } from "lucide-react";
import { type ReactNode, useState } from "react";

import { cn } from "./cn";
import { useBelow } from "./media";

type SectionProps = {
  title: string;
  /** At the right of the title. */
  actions?: ReactNode;
  /** On a phone only its title is shown until it is touched. */
  foldsWhenNarrow?: boolean;
  children: ReactNode;
};

/** A titled panel of a page. */
export function Section({ title, actions, foldsWhenNarrow = false, children }: SectionProps) {
  const folds = useBelow("md") && foldsWhenNarrow;
  const [open, setOpen] = useState(false);
  return (
    <section aria-label={title} className="overflow-hidden rounded-xl border bg-panel">
      <header
        className={cn(
          "flex min-h-11 flex-wrap items-center gap-x-2 gap-y-1 border-b px-4 py-1.5",
          folds && !open && "border-transparent",
        )}
      >
        <h2 className="text-13 font-semibold max-md:grow">
          {folds ? (
            <button
              type="button"
              aria-expanded={open}
              className="flex h-8 w-full items-center justify-between"
              onClick={() => {
                setOpen(!open);
              }}
            >
              {title}
              <ChevronDown aria-hidden className={cn("size-4 text-muted transition-transform", open && "rotate-180")} />
            </button>
          ) : (
            title
          )}
        </h2>
        {actions !== undefined && <div className="ml-auto flex items-center gap-2">{actions}</div>}
      </header>
      {(!folds || open) && children}
    </section>
  );
}
