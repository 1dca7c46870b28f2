import type { JobProgress } from "./job.js";

const LONGEST_MESSAGE = 500;
const MOST_FIGURES = 16;
const LONGEST_FIGURE = 64;
const STAGE = /^(?!proof-)[a-z0-9-]{1,64}$/;

/** What a provider says of its work, within what people are shown. Stages of the proof are the prover's to say. */
export function reportedProgress({ stage, percent, message, figures }: JobProgress): JobProgress {
  return {
    stage: STAGE.test(stage) ? stage : "working",
    percent: Math.min(percent, 100),
    message: cut(message, LONGEST_MESSAGE),
    figures: Object.fromEntries(
      Object.entries(figures)
        .slice(0, MOST_FIGURES)
        .map(([name, value]) => [cut(name, LONGEST_FIGURE), cut(value, LONGEST_FIGURE)]),
    ),
  };
}

/** Without half characters and controls, of which databases do not take all. */
function cut(text: string, length: number): string {
  return text.slice(0, length).replaceAll(/[\p{Cs}\p{Cc}]/gu, "\uFFFD");
}

/** Progress is for people: what comes faster than they can see is dropped, but for the end of each job's work. */
export class ReportPace {
  readonly #last = new Map<string, { readonly atMs: number; readonly percent: number }>();

  constructor(
    private readonly intervalMs: number,
    private readonly mostJobs: number,
  ) {}

  admits(jobId: string, percent: number, nowMs: number): boolean {
    const last = this.#last.get(jobId);
    const isEnd = percent >= 100 && (last?.percent ?? 0) < 100;
    if (last !== undefined && !isEnd && nowMs - last.atMs < this.intervalMs) return false;
    if (this.#last.size > this.mostJobs) this.#last.clear();
    this.#last.set(jobId, { atMs: nowMs, percent });
    return true;
  }

  forget(jobId: string): void {
    this.#last.delete(jobId);
  }
}
