import { useEffect, useState } from "react";
import { toast } from "sonner";

const SHOWN_MS = 1_200;

/** Copies text; `copied` is true for a moment afterwards. */
export function useClipboard(): { copied: boolean; copy: (text: string) => void } {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => {
      setCopied(false);
    }, SHOWN_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [copied]);
  const copy = (text: string) => {
    navigator.clipboard.writeText(text).then(
      () => {
        setCopied(true);
      },
      () => toast.error("The browser did not allow copying. Select the text and copy it by hand."),
    );
  };
  return { copied, copy };
}
