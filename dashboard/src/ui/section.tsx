import type { ReactNode } from "react";

import { cn } from "./cn";

type SectionProps = {
  title: string;
  /** Said after the title, in grey. */
  note?: ReactNode;
  /** At the right of the title. */
  actions?: ReactNode;
  children: ReactNode;
  className?: string;
};

/** A titled panel of a page. */
export function Section({ title, note, actions, children, className }: SectionProps) {
  return (
    <section aria-label={title} className={cn("overflow-hidden rounded-xl border bg-panel", className)}>
      <header className="flex min-h-11 flex-wrap items-center gap-x-2 gap-y-1 border-b px-4 py-1.5">
        <h2 className="text-13 font-semibold">{title}</h2>
        {note !== undefined && <span className="text-xs text-muted">{note}</span>}
        {actions !== undefined && <div className="ml-auto flex items-center gap-2">{actions}</div>}
      </header>
      {children}
    </section>
  );
}
