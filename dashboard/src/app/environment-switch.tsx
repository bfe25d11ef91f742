import { Link } from "@tanstack/react-router";

import { type Environment, useEnvironment } from "@/api/environment";
import { cn } from "@/ui/cn";

const ENVIRONMENTS: readonly { value: Environment; label: string }[] = [
  { value: "sandbox", label: "Sandbox" },
  { value: "live", label: "Live" },
];

/** Sandbox or live: the same page over there. */
export function EnvironmentSwitch() {
  const current = useEnvironment();
  return (
    <nav aria-label="Environment" className="grid grid-cols-2 gap-0.5 rounded-lg bg-ink/6 p-0.5">
      {ENVIRONMENTS.map(({ value, label }) => (
        <Link
          key={value}
          to="."
          params={(params: object) => ({ ...params, env: value })}
          search={{}}
          aria-current={value === current ? "true" : undefined}
          className={cn(
            "flex h-7 items-center justify-center gap-1.5 rounded-md text-xs font-medium text-muted transition-colors hover:text-ink",
            value === current && "bg-panel text-ink shadow-[0_1px_2px_rgb(0_0_0/10%)] dark:bg-ink/14",
          )}
        >
          <span
            aria-hidden
            className={cn(
              "size-1.5 rounded-full",
              value === "sandbox" ? "bg-sandbox" : "bg-green",
              value !== current && "opacity-40",
            )}
          />
          {label}
        </Link>
      ))}
    </nav>
  );
}
