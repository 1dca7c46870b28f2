import type { Clock } from "./clock.js";
import type { DurationMs, TimestampMs } from "./units.js";

/** A block's time has whole seconds, and word of it takes a while: older word than this shifts nothing. */
const BLOCK_TIME_STEP_MS = 1_000;
const LONGEST_DELAY_MS = 5_000;

/**
 * The chain's time: what contracts compare deadlines with. The machine's clock, shifted as far as the blocks that were seen
 * force it: never behind a block, and not ahead of one that was only just made. Never goes back. Shift unknown below: a
 * chain that is behind by less than `LONGEST_DELAY_MS` cannot be told from a slow message.
 */
export class ChainClock implements Clock {
  readonly #machine: Clock;
  #shiftMs = 0;
  #latestMs = 0;

  constructor(machine: Clock) {
    this.#machine = machine;
  }

  /** A block of this time exists; for all that is known, for long. */
  sawBlock(timestampSeconds: number): void {
    this.#shiftMs = Math.max(this.#shiftMs, timestampSeconds * 1_000 - this.#machine.now());
  }

  /** A block of this time was made a moment ago. */
  sawNewBlock(timestampSeconds: number): void {
    const behindMs = timestampSeconds * 1_000 - this.#machine.now();
    this.#shiftMs = Math.min(
      Math.max(this.#shiftMs, behindMs),
      behindMs + BLOCK_TIME_STEP_MS + LONGEST_DELAY_MS,
    );
  }

  now(): TimestampMs {
    this.#latestMs = Math.max(this.#latestMs, this.#machine.now() + this.#shiftMs);
    return this.#latestMs as TimestampMs;
  }

  wait(duration: DurationMs, signal?: AbortSignal): Promise<void> {
    return this.#machine.wait(duration, signal);
  }
}
