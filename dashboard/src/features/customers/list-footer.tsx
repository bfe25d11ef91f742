import { ChevronDown } from "lucide-react";

import { Button } from "@/ui/button";
import { Kbd } from "@/ui/kbd";
import { Menu, MenuChoice } from "@/ui/menu";
import { Pager } from "@/ui/pager";
import type { Paging } from "@/ui/paging";

import { PAGE_SIZES, type PageSize } from "./list-address";

type ListFooterProps = {
  size: PageSize;
  /** How many rows the page has. */
  shown: number;
  paging: Paging;
  nextCursor: string | null | undefined;
  onSize: (size: PageSize) => void;
  onTurn: (paging: Paging) => void;
};

/** Below the list: which rows these are, how many at a time, the keys, and the way to other pages. */
export function ListFooter({ size, shown, paging, nextCursor, onSize, onTurn }: ListFooterProps) {
  if (shown === 0 && paging.page === 1) return null;
  const before = (paging.page - 1) * size;
  return (
    <footer className="mt-3 flex items-center gap-3 text-xs text-muted">
      {shown > 0 && (
        <span className="tabular-nums">
          {before + 1}–{before + shown}
          {!nextCursor && ` of ${before + shown}`}
        </span>
      )}
      <span className="flex items-center gap-1.5 max-lg:hidden" aria-hidden>
        <Kbd>j</Kbd>
        <Kbd>k</Kbd> rows <Kbd>←</Kbd>
        <Kbd>→</Kbd> pages
      </span>
      <div className="ml-auto flex items-center gap-2">
        <Menu
          align="end"
          className="min-w-32"
          trigger={
            <Button size="small" look="quiet" className="font-normal">
              {size} per page <ChevronDown aria-hidden />
            </Button>
          }
        >
          <MenuChoice
            value={String(size)}
            options={PAGE_SIZES.map((each) => ({ value: String(each), label: `${each} per page` }))}
            onChange={(chosen) => {
              const found = PAGE_SIZES.find((each) => String(each) === chosen);
              if (found !== undefined) onSize(found);
            }}
          />
        </Menu>
        <Pager label="customers" paging={paging} nextCursor={nextCursor} onChange={onTurn} />
      </div>
    </footer>
  );
}
