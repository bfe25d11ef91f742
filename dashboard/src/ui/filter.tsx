import { ChevronDown, X } from "lucide-react";

import { Button } from "./button";
import { cn } from "./cn";
import { Menu, MenuChoice } from "./menu";

type FilterProps = {
  label: string;
  /** What is chosen; nothing when the filter is off. */
  value: string | undefined;
  options: readonly { value: string; label: string }[];
  onChange: (value: string | undefined) => void;
};

const ALL = "";

/** One of several, or all: a button that says what is chosen. */
export function Filter({ label, value, options, onChange }: FilterProps) {
  const chosen = options.find((option) => option.value === value)?.label ?? value;
  return (
    <div className="flex min-w-0 items-center">
      <Menu
        trigger={
          <Button
            className={cn("max-w-56 min-w-0", chosen !== undefined && "rounded-r-none border-accent/40 bg-accent-wash")}
          >
            <span className={cn(chosen === undefined ? "text-soft" : "text-muted")}>{label}</span>
            {chosen === undefined ? (
              <ChevronDown aria-hidden className="text-muted" />
            ) : (
              <span className="truncate">{chosen}</span>
            )}
          </Button>
        }
      >
        <MenuChoice
          value={value ?? ALL}
          options={[{ value: ALL, label: "All" }, ...options]}
          onChange={(next) => {
            onChange(next === ALL ? undefined : next);
          }}
        />
      </Menu>
      {chosen !== undefined && (
        <Button
          aria-label={`Clear filter ${label}`}
          className="-ml-px w-7 rounded-l-none border-accent/40 bg-accent-wash px-0 text-muted"
          onClick={() => {
            onChange(undefined);
          }}
        >
          <X aria-hidden />
        </Button>
      )}
    </div>
  );
}
