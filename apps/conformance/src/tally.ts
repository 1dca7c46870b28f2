import type { CaseResult } from "./suite.js";

/** Prints failures as they come, and at the end remarks, what was skipped and the counts. */
export class Tally {
  #passed = 0;
  #failed = 0;
  readonly #remarks = new Map<string, number>();
  readonly #skipped = new Map<string, number>();

  constructor(private readonly print: (line: string) => void) {}

  add(file: string, result: CaseResult): void {
    if (result.status === "passed") {
      this.#passed++;
      if (result.detail !== undefined) countOne(this.#remarks, result.detail);
    } else if (result.status === "failed") {
      this.#failed++;
      this.print(`FAILED: ${file} ${result.name}\n  ${result.detail ?? "no difference was named"}`);
    } else {
      countOne(this.#skipped, result.detail ?? "no reason was named");
    }
  }

  /** The exit code: 0 only when something ran and nothing failed. */
  close(): number {
    for (const [remark, count] of this.#remarks) this.print(`passed ${count} with a remark: ${remark}`);
    let skipped = 0;
    for (const [reason, count] of this.#skipped) {
      skipped += count;
      this.print(`skipped ${count}: ${reason}`);
    }
    this.print(`${this.#passed} passed, ${this.#failed} failed, ${skipped} skipped`);
    return this.#failed === 0 && this.#passed > 0 ? 0 : 1;
  }
}

function countOne(counts: Map<string, number>, text: string): void {
  counts.set(text, (counts.get(text) ?? 0) + 1);
}
