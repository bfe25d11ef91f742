import { createContext, type ReactNode, useContext, useEffect, useState } from "react";

const TICK_MS = 30_000;

const NowContext = createContext<number>(0);

type NowProviderProps = {
  /** Where the clock stands still (milliseconds); without it the browser's clock runs. */
  frozenAt?: number | null | undefined;
  children: ReactNode;
};

/** The instant by which everything below counts: "in 5 days", "ended", "trial". */
export function NowProvider({ frozenAt, children }: NowProviderProps) {
  const [running, setRunning] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      setRunning(Date.now());
    }, TICK_MS);
    return () => {
      clearInterval(timer);
    };
  }, []);
  return <NowContext value={frozenAt ?? running}>{children}</NowContext>;
}

/** Milliseconds since the epoch, by the nearest clock. */
export function useNow(): number {
  return useContext(NowContext);
}
