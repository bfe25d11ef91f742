import type { ReactNode } from "react";

import { TimeLeft, When } from "@/ui/when";

import type { Holding } from "./holding";

type StateNoteProps = {
  holding: Holding;
  /** The page where a failed payment can be made good. */
  openInvoiceUrl: string | undefined;
};

/** What a status means for this customer, in a few words: when it renews, ends, starts, or what is wrong. */
export function StateNote({ holding, openInvoiceUrl }: StateNoteProps): ReactNode {
  switch (holding.state) {
    case "active":
      if (holding.kind === "one-off") return <>Bought {<When at={holding.startedAt} form="short" />}</>;
      if (holding.nextBillingAt === undefined) return null;
      return (
        <>
          Renews <When at={holding.nextBillingAt} form="short" />
        </>
      );
    case "trial":
      return <TrialNote holding={holding} />;
    case "cancelling":
      if (holding.endsAt === null) return "Ends soon";
      return (
        <>
          Ends <When at={holding.endsAt} form="short" />
        </>
      );
    case "past_due":
      return (
        <>
          Payment failed
          {openInvoiceUrl !== undefined && (
            <>
              {" · "}
              <a
                href={openInvoiceUrl}
                target="_blank"
                rel="noreferrer"
                className="text-red underline underline-offset-2"
              >
                open invoice
              </a>
            </>
          )}
        </>
      );
    case "scheduled":
      return (
        <>
          Starts <When at={holding.startedAt} form="short" />
          {holding.replaces !== undefined && <span dir="auto">{` · replaces ${holding.replaces.name}`}</span>}
        </>
      );
    case "expired":
      if (holding.endsAt === null) return null;
      return (
        <>
          Ended <When at={holding.endsAt} form="short" />
        </>
      );
  }
}

function TrialNote({ holding }: { holding: Holding }) {
  if (holding.trialEndsAt === null) return null;
  const price = holding.plan?.price?.display.primary_text;
  return (
    <>
      <TimeLeft until={holding.trialEndsAt} /> left
      {price !== undefined && (
        <>
          {" · then "}
          {price} on <When at={holding.trialEndsAt} form="short" />
        </>
      )}
    </>
  );
}
