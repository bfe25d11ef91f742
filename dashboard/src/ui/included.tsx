import { Check } from "lucide-react";

type IncludedProps = {
  /** What is included, how often that starts anew, what more of it costs. */
  items: readonly { limit: string; cadence: string; rate: string | undefined }[];
};

/** The contents of a product, line by line. */
export function Included({ items }: IncludedProps) {
  if (items.length === 0) return <p className="text-muted">This product has no features.</p>;
  return (
    <ul className="grid gap-1.5">
      {items.map((item, index) => (
        <li key={index} className="flex items-baseline gap-2">
          <Check aria-hidden className="size-3.5 shrink-0 translate-y-0.5 text-green" />
          <span>
            {item.limit}
            <span className="text-muted">{item.cadence}</span>
            {item.rate !== undefined && <span className="text-muted"> · {item.rate}</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}
