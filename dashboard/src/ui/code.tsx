import { Check, Copy } from "lucide-react";

import { Button } from "./button";
import { useClipboard } from "./clipboard";

/** A few lines of code with a button that copies them. */
export function Code({ text, label }: { text: string; label: string }) {
  const { copied, copy } = useClipboard();
  return (
    <div className="relative rounded-lg border bg-sunken text-left">
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- long lines scroll, also by keyboard */}
      <pre tabIndex={0} aria-label={label} className="overflow-x-auto p-3 pr-10 font-mono text-xs leading-5 text-soft">
        {text}
      </pre>
      <Button
        look="quiet"
        size="icon"
        aria-label={`Copy ${label}`}
        className="absolute top-1.5 right-1.5"
        onClick={() => {
          copy(text);
        }}
      >
        {copied ? <Check aria-hidden className="text-green" /> : <Copy aria-hidden />}
      </Button>
    </div>
  );
}
