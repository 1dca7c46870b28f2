import { type EventSelector, meets } from "./objectives.js";

export interface CounterSample {
  readonly series: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The sum of what a selector counts; 0 where no sample meets it. */
export function selectedTotal(samples: readonly CounterSample[], { series, where }: EventSelector): number {
  let total = 0;
  for (const sample of samples)
    if (sample.series === series && meets(sample.labels, where)) total += sample.value;
  return total;
}

/**
 * Turns totals of several processes into increases. A process that is seen for the first time counts from its total
 * of then; a total that fell is that of a process that began anew.
 */
export class CounterIncrease {
  readonly #totals = new Map<string, number>();
  readonly #mostProcesses: number;

  constructor(mostProcesses = 256) {
    this.#mostProcesses = mostProcesses;
  }

  /** How much the counter of this process grew since it was last told. */
  next(process: string, total: number): number {
    const before = this.#totals.get(process);
    this.#totals.delete(process);
    this.#totals.set(process, total);
    const oldest = this.#totals.keys().next().value;
    if (this.#totals.size > this.#mostProcesses && oldest !== undefined) this.#totals.delete(oldest);
    if (before === undefined) return 0;
    return total >= before ? total - before : total;
  }
}
