import { Search, X } from "lucide-react";
import { useEffect, useEffectEvent, useRef, useState } from "react";

import { Input } from "./input";
import { Kbd } from "./kbd";
import { useKeys } from "./keys";

const PAUSE_MS = 350;

type SearchFieldProps = {
  value: string;
  /** Called when the reader has paused typing. */
  onChange: (value: string) => void;
  placeholder: string;
};

/** A search box: `/` goes to it, Esc empties and leaves it. */
export function SearchField({ value, onChange, placeholder }: SearchFieldProps) {
  const field = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(value);
  const [known, setKnown] = useState(value);
  if (known !== value) {
    setKnown(value);
    setTyped(value);
  }
  const search = useEffectEvent(() => {
    onChange(typed.trim());
  });
  useEffect(() => {
    if (typed.trim() === value) return;
    const timer = setTimeout(search, PAUSE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [typed, value]);
  useKeys({
    "/": () => field.current?.select(),
  });
  const clear = () => {
    setTyped("");
    onChange("");
  };
  return (
    <div className="relative min-w-0 flex-1 md:max-w-80">
      <Search
        aria-hidden
        className="pointer-events-none absolute top-1/2 left-2.5 size-3.5 -translate-y-1/2 text-muted"
      />
      <Input
        ref={field}
        type="search"
        dir="auto"
        value={typed}
        placeholder={placeholder}
        aria-label={placeholder}
        spellCheck={false}
        className="px-8 [&::-webkit-search-cancel-button]:hidden"
        onChange={(event) => {
          setTyped(event.target.value);
        }}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          if (typed === "") field.current?.blur();
          else clear();
        }}
      />
      <span className="absolute top-1/2 right-2 grid -translate-y-1/2 place-items-center">
        {typed === "" ? (
          <span className="max-md:hidden">
            <Kbd>/</Kbd>
          </span>
        ) : (
          <button
            type="button"
            aria-label="Clear search"
            onClick={clear}
            className="rounded-sm p-0.5 text-muted hover:text-ink"
          >
            <X aria-hidden className="size-3.5" />
          </button>
        )}
      </span>
    </div>
  );
}
