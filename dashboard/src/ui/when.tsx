import { isSameYear } from "date-fns";

import { formatDuration, formatInstant, type InstantForm } from "./format";
import { Hint } from "./hint";
import { useNow } from "./now";

type WhenProps = {
  /** Milliseconds since the epoch. */
  at: number;
  /** day: 12 Mar 2026 · short: 12 Mar · minute: 12 Mar, 14:03 · second: 12 Mar, 14:03:09 · relative: in 5 days. */
  form?: InstantForm;
};

/** The only place where an instant becomes text on a page; the hint has the full date and the distance from now. */
export function When({ at, form = "day" }: WhenProps) {
  const now = useNow();
  return (
    <Hint
      text={
        <>
          {formatInstant(at, "full", now)}
          <br />
          <span className="opacity-70">{formatInstant(at, "relative", now)}</span>
        </>
      }
    >
      <time dateTime={new Date(at).toISOString()} className="whitespace-nowrap tabular-nums">
        {formatInstant(at, form, now)}
      </time>
    </Hint>
  );
}

/** A stretch of time: 28 Oct – 28 Nov; with its years where they differ. */
export function Period({ from, to }: { from: number; to: number }) {
  const form = isSameYear(from, to) ? "short" : "day";
  return (
    <>
      <When at={from} form={form} /> – <When at={to} form={form} />
    </>
  );
}

/** How much time is left until an instant: "5 days". */
export function TimeLeft({ until }: { until: number }) {
  const now = useNow();
  return <span className="whitespace-nowrap">{formatDuration(now, until)}</span>;
}
