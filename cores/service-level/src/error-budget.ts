import { BURN_RATES, type BurnRate, WINDOW_MS, type Window } from "./objectives.js";

const SLOT_MS = 60_000;
const SLOTS = WINDOW_MS["3d"] / SLOT_MS;

export interface EventCount {
  readonly good: number;
  readonly all: number;
}

/** How events went over a window. */
export interface WindowReading extends EventCount {
  readonly window: Window;
  /** Share of bad events, 0 to 1; undefined while there was none at all. */
  readonly errorRatio: number | undefined;
  /** How many times faster than the objective allows the budget is used; 1 uses it up in exactly 30 days. */
  readonly burnRate: number | undefined;
  /** Share of the window that has been counted, 0 to 1. */
  readonly covered: number;
}

export interface BudgetState {
  readonly windows: readonly WindowReading[];
  /** The most severe burn that holds over both of its windows. */
  readonly burning: BurnRate | undefined;
}

/**
 * Good and bad events of one objective by the minute, for three days. Memory is bounded: 4,320 slots, of which only
 * those with events exist. Cost of a reading: one pass over them.
 */
export class ErrorBudget {
  readonly #objective: number;
  readonly #sinceMs: number;
  readonly #slots = new Map<number, { good: number; all: number }>();

  /** `objective`: the share of good events that is promised, below 1. `sinceMs`: when counting began. */
  constructor(objective: number, sinceMs: number) {
    if (!(objective > 0 && objective < 1)) throw new RangeError("an objective lies between 0 and 1");
    this.#objective = objective;
    this.#sinceMs = sinceMs;
  }

  /** Counts events; more good ones than there were at all are as many as there were. */
  add(atMs: number, { good, all }: EventCount): void {
    if (all <= 0) return;
    const slot = Math.floor(atMs / SLOT_MS);
    const counted = this.#slots.get(slot) ?? { good: 0, all: 0 };
    counted.good += Math.min(Math.max(good, 0), all);
    counted.all += all;
    this.#slots.set(slot, counted);
    for (const old of this.#slots.keys()) {
      if (old > slot - SLOTS) break;
      this.#slots.delete(old);
    }
  }

  read(nowMs: number): BudgetState {
    const windows = (Object.keys(WINDOW_MS) as Window[]).map((window) => this.#window(window, nowMs));
    const rateOf = new Map(windows.map(({ window, burnRate }) => [window, burnRate ?? 0]));
    const burning = BURN_RATES.find(
      ({ factor, long, short }) => (rateOf.get(long) ?? 0) > factor && (rateOf.get(short) ?? 0) > factor,
    );
    return { windows, burning };
  }

  #window(window: Window, nowMs: number): WindowReading {
    const spanMs = WINDOW_MS[window];
    const from = Math.floor((nowMs - spanMs) / SLOT_MS) + 1;
    let good = 0;
    let all = 0;
    for (const [slot, counted] of this.#slots) {
      if (slot < from || slot * SLOT_MS > nowMs) continue;
      good += counted.good;
      all += counted.all;
    }
    const errorRatio = all === 0 ? undefined : (all - good) / all;
    return {
      window,
      good,
      all,
      errorRatio,
      burnRate: errorRatio === undefined ? undefined : errorRatio / (1 - this.#objective),
      covered: Math.min(1, Math.max(0, nowMs - this.#sinceMs) / spanMs),
    };
  }
}
