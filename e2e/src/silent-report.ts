import type { Fact, Report } from "@aios/main-job/report";

export interface ReportedStep {
  readonly title: string;
  tookMs: number;
  facts: readonly Fact[];
}

/** Keeps the steps for a test or a table instead of printing them. */
export class SilentReport implements Report {
  readonly steps: ReportedStep[] = [];

  step(title: string): void {
    this.steps.push({ title, tookMs: 0, facts: [] });
  }

  progress(): void {}

  done(tookMs: number, facts: readonly Fact[]): void {
    const step = this.steps.at(-1);
    if (step === undefined) return;
    step.tookMs = tookMs;
    step.facts = facts;
  }

  text(): void {}
}
