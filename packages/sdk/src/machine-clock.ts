/** The machine's clock in a browser and in Node; callers who know better pass a `Clock`. */
export const machineClock = { now: (): number => Date.now() } as const;

/** Milliseconds since some moment of this process: for time-outs within it. */
export function monotonicMs(): number {
  return performance.now();
}
