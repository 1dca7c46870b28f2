import type { ChainReading } from "./chain-reading.js";

/** How long ago a tick had ended when the chain was read, in milliseconds; 0 for the one that goes on. */
export function ageOfTick(
  { readAtMs, genesisTimeMs, tickMs }: Pick<ChainReading, "readAtMs" | "genesisTimeMs" | "tickMs">,
  tick: number,
): number {
  return Math.max(0, readAtMs - (genesisTimeMs + (tick + 1) * tickMs));
}
