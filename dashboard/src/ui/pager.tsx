import { ChevronLeft, ChevronRight } from "lucide-react";

import { Button } from "./button";
import { cursorOf, nextPage, type Paging, previousPage } from "./paging";

type PagerProps = {
  paging: Paging;
  /** Where the next page starts; nothing on the last one. */
  nextCursor: string | null | undefined;
  onChange: (paging: Paging) => void;
  /** Of what these are pages. */
  label: string;
};

/** Previous and next, for lists that are read page by page. */
export function Pager({ paging, nextCursor, onChange, label }: PagerProps) {
  return (
    <nav aria-label={`Pages of ${label}`} className="flex items-center gap-1">
      <Button
        size="icon"
        aria-label="Previous page"
        disabled={cursorOf(paging) === ""}
        onClick={() => {
          onChange(previousPage(paging));
        }}
      >
        <ChevronLeft aria-hidden />
      </Button>
      <span aria-current="page" className="min-w-14 px-1 text-center text-xs text-muted tabular-nums">
        Page {paging.page}
      </span>
      <Button
        size="icon"
        aria-label="Next page"
        disabled={!nextCursor}
        onClick={() => {
          if (nextCursor) onChange(nextPage(paging, nextCursor));
        }}
      >
        <ChevronRight aria-hidden />
      </Button>
    </nav>
  );
}
