/** What the relay knows after a look into the outbox. */
export interface Look {
  /** Events it found. */
  readonly moved: number;
  /** It found as many as it takes at once. */
  readonly full: boolean;
  /** A writer notified since the look began. */
  readonly woken: boolean;
  /** For how long it looked, and moved what it found. */
  readonly tookMs: number;
  readonly nowMs: number;
}

/** How often an attentive relay looks, unless what it found takes longer. */
export const LOOK_EVERY_MS = 4;
/** How long it finds nothing before it lets writers notify again. */
export const ATTENTIVE_FOR_MS = 20;
/** The longest a relay goes without a look. */
export const LONGEST_REST_MS = 1_000;

/**
 * When a relay looks into the outbox next. Under load it is attentive: it looks by itself, and writers need not notify
 * it, which costs each of them a turn of all commits of the server. Whoever wrote while it was attentive but commits
 * after is found too: the rests grow from nothing to `LONGEST_REST_MS`, so such an event waits at most about as long
 * as its transaction took.
 */
export class RelayPace {
  #attentive = false;
  #foundAtMs = 0;
  #restMs = LONGEST_REST_MS;

  get attentive(): boolean {
    return this.#attentive;
  }

  /** Whether the relay should be attentive from now on. */
  wants({ moved, full, woken, nowMs }: Look): boolean {
    if (moved > 0) this.#foundAtMs = nowMs;
    if (this.#attentive) return nowMs - this.#foundAtMs < ATTENTIVE_FOR_MS;
    return full || (moved > 0 && woken);
  }

  /** Writers notify no more. */
  attend(): void {
    this.#attentive = true;
  }

  /** Writers notify again. */
  relax(): void {
    if (this.#attentive) this.#restMs = 0;
    this.#attentive = false;
  }

  /** How long to rest now; a notification ends it. The next look also removes what this one moved. */
  restMs({ moved, full, tookMs }: Look): number {
    if (full) return 0;
    if (this.#attentive) return Math.max(0, LOOK_EVERY_MS - tookMs);
    if (moved > 0) return 0;
    const rest = this.#restMs;
    this.#restMs = Math.min(LONGEST_REST_MS, Math.max(LOOK_EVERY_MS, rest * 2));
    return rest;
  }
}
