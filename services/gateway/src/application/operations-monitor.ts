import {
  CounterIncrease,
  type CounterSample,
  selectedTotal,
} from "@aios/core-service-level/counter-increase";
import { type BudgetState, ErrorBudget } from "@aios/core-service-level/error-budget";
import { OBJECTIVES, type Objective } from "@aios/core-service-level/objectives";
import type { Clock } from "@aios/kernel/clock";
import { toCodedError } from "@aios/kernel/coded-error";
import { durationMs } from "@aios/kernel/units";
import { monotonicMs } from "@aios/service-kit/system-clock";
import { SERIES } from "../domain/operations-figures.js";
import type { ProcessFacts, ProcessSource } from "../domain/process-source.js";

const READ_EVERY_MS = 15_000;
const REUSE_MS = 1_500;
const ANSWER_WITHIN_MS = 2_000;
const HISTORY_MS = 300_000;

/** One service as it answered, or why it did not. */
export interface ServiceReading {
  readonly name: string;
  readonly atMs: number;
  readonly latencyMs: number;
  readonly facts: ProcessFacts | undefined;
  readonly problem: string | undefined;
  /** Samples of the same process five minutes before, or as long as it has been watched. */
  readonly earlier: readonly CounterSample[];
}

export interface ObjectiveReading {
  readonly objective: Objective;
  readonly budget: BudgetState;
}

export interface OperationsReading {
  readonly atMs: number;
  readonly watchedSinceMs: number;
  readonly services: readonly ServiceReading[];
  readonly objectives: readonly ObjectiveReading[];
}

interface Kept {
  readonly atMs: number;
  readonly instanceId: string;
  readonly samples: readonly CounterSample[];
}

/**
 * Asks every service what it knows of itself, by itself every 15 s and at most every 1.5 s however many look, and
 * counts the objectives' events from the answers. What it knows begins when it begins: it is a view, not a store.
 */
export class OperationsMonitor {
  readonly #budgets: readonly {
    readonly objective: Objective;
    readonly budget: ErrorBudget;
    readonly good: CounterIncrease;
    readonly all: CounterIncrease;
  }[];
  readonly #history = new Map<string, Kept[]>();
  readonly #sinceMs: number;
  #recent: { readonly atMs: number; readonly reading: Promise<OperationsReading> } | undefined;

  constructor(
    readonly sources: readonly ProcessSource[],
    private readonly clock: Pick<Clock, "now" | "wait">,
  ) {
    this.#sinceMs = clock.now();
    this.#budgets = OBJECTIVES.map((objective) => ({
      objective,
      budget: new ErrorBudget(objective.objective, this.#sinceMs),
      good: new CounterIncrease(),
      all: new CounterIncrease(),
    }));
  }

  /** Reads on and on until the signal ends it. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.read();
      await this.clock.wait(durationMs(READ_EVERY_MS), signal).catch(() => undefined);
    }
  }

  read(): Promise<OperationsReading> {
    const now = this.clock.now();
    if (this.#recent === undefined || now - this.#recent.atMs > REUSE_MS)
      this.#recent = { atMs: now, reading: this.#readAll() };
    return this.#recent.reading;
  }

  async #readAll(): Promise<OperationsReading> {
    const services = await Promise.all(this.sources.map((source) => this.#readOne(source)));
    const now = this.clock.now();
    return {
      atMs: now,
      watchedSinceMs: this.#sinceMs,
      services,
      objectives: this.#budgets.map(({ objective, budget }) => ({ objective, budget: budget.read(now) })),
    };
  }

  async #readOne(source: ProcessSource): Promise<ServiceReading> {
    const { name } = source;
    const startedAt = monotonicMs();
    const elapsed = (): number => Math.round((monotonicMs() - startedAt) * 10) / 10;
    try {
      const facts = await source.read(SERIES, AbortSignal.timeout(ANSWER_WITHIN_MS));
      const atMs = this.clock.now();
      this.#count(name, facts, atMs);
      const earlier = this.#remember(name, facts, atMs);
      return { name, atMs, latencyMs: elapsed(), facts, problem: undefined, earlier };
    } catch (error) {
      const problem = toCodedError(error).message;
      return { name, atMs: this.clock.now(), latencyMs: elapsed(), facts: undefined, problem, earlier: [] };
    }
  }

  #count(name: string, { instanceId, samples }: ProcessFacts, atMs: number): void {
    const process = `${name} ${instanceId}`;
    for (const { objective, budget, good, all } of this.#budgets) {
      if (!samples.some(({ series }) => series === objective.all.series)) continue;
      budget.add(atMs, {
        good: good.next(process, selectedTotal(samples, objective.good)),
        all: all.next(process, selectedTotal(samples, objective.all)),
      });
    }
  }

  #remember(name: string, { instanceId, samples }: ProcessFacts, atMs: number): readonly CounterSample[] {
    const before = this.#history.get(name) ?? [];
    const kept = before.filter((each) => each.instanceId === instanceId && atMs - each.atMs <= HISTORY_MS);
    const latest = kept.at(-1);
    if (latest === undefined || atMs - latest.atMs >= READ_EVERY_MS) kept.push({ atMs, instanceId, samples });
    this.#history.set(name, kept);
    const oldest = kept[0];
    return oldest === undefined || oldest.samples === samples ? [] : oldest.samples;
  }
}
