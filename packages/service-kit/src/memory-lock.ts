import type { Clock } from "@aios/kernel/clock";
import type { Lease, LockManager } from "./lock.js";

interface Held {
  readonly token: bigint;
  untilMs: number;
}

/** For one process. */
export class MemoryLockManager implements LockManager {
  readonly #clock: Clock;
  readonly #held = new Map<string, Held>();
  #lastToken = 0n;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async tryAcquire(name: string, ttlMs: number): Promise<Lease | undefined> {
    const now = this.#clock.now();
    const holder = this.#held.get(name);
    if (holder !== undefined && holder.untilMs > now) return undefined;
    this.#lastToken += 1n;
    const held: Held = { token: this.#lastToken, untilMs: now + ttlMs };
    this.#held.set(name, held);
    return {
      name,
      fencingToken: held.token,
      renew: async (newTtlMs) => {
        if (this.#held.get(name) !== held || held.untilMs <= this.#clock.now()) return false;
        held.untilMs = this.#clock.now() + newTtlMs;
        return true;
      },
      release: async () => {
        if (this.#held.get(name) === held) this.#held.delete(name);
      },
    };
  }
}
