import type { Fact, Report } from "./report.js";

/** Writes the steps for a person; progress overwrites itself on a terminal and is left out elsewhere. */
export class TerminalReport implements Report {
  readonly #out: NodeJS.WriteStream;
  #number = 0;
  #progressShown = false;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  step(title: string): void {
    this.#number += 1;
    this.#out.write(`\n${String(this.#number).padStart(2)}  ${title}\n`);
  }

  progress(message: string): void {
    if (!this.#out.isTTY) return;
    this.#progressShown = true;
    this.#out.write(`\r\x1b[2K      ${message.slice(0, Math.max(20, (this.#out.columns ?? 100) - 8))}`);
  }

  done(tookMs: number, facts: readonly Fact[]): void {
    this.#clearProgress();
    const width = Math.max(0, ...facts.map((fact) => fact.name.length));
    for (const fact of facts) this.#out.write(`      ${fact.name.padEnd(width)}  ${fact.value}\n`);
    this.#out.write(`      ${"done in".padEnd(width)}  ${formatMs(tookMs)}\n`);
  }

  text(block: string): void {
    this.#clearProgress();
    this.#out.write(`${block.replace(/^/gm, "      ")}\n`);
  }

  #clearProgress(): void {
    if (this.#progressShown) this.#out.write("\r\x1b[2K");
    this.#progressShown = false;
  }
}

/** `840 ms`, `4.31 s`, `1 min 12 s`. */
export function formatMs(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(2)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}
