import { useEffect, useState } from "react";

export interface Polled<T> {
  readonly value: T | undefined;
  /** Why the last reading failed; the value before it stays. */
  readonly error: string | undefined;
  readonly loading: boolean;
}

/** Reads now and again after every interval, one reading at a time, while the page is visible. `read` must be stable. */
export function usePolled<T>(read: () => Promise<T>, intervalMs: number): Polled<T> {
  const [state, setState] = useState<Polled<T>>({ value: undefined, error: undefined, loading: true });
  useEffect(() => {
    let stopped = false;
    let timer: number | undefined;
    const turn = async (): Promise<void> => {
      if (!document.hidden) {
        try {
          const value = await read();
          if (!stopped) setState({ value, error: undefined, loading: false });
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error);
          if (!stopped) setState((before) => ({ ...before, error: message, loading: false }));
        }
      }
      if (!stopped) timer = window.setTimeout(() => void turn(), intervalMs);
    };
    void turn();
    return () => {
      stopped = true;
      window.clearTimeout(timer);
    };
  }, [read, intervalMs]);
  return state;
}
