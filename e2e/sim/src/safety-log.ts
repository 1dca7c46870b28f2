import type { SafetyRecord } from "@aios/core-finality/finality-height";
import type { SeededRng } from "@aios/kernel/random";

/** A node's disk: lines with their length in front, so that a torn last line is seen and dropped. */
export class SafetyLog {
  #lines: string[] = [];

  /** Appends and syncs; `torn`: the machine dies while writing and a random part of the line stays. */
  append(record: SafetyRecord, torn: boolean, rng: SeededRng): void {
    const body = JSON.stringify(record);
    const line = `${body.length} ${body}`;
    this.#lines.push(torn ? line.slice(0, rng.below(line.length)) : line);
  }

  /** The last whole record, of the height or none. */
  recover(height: number): SafetyRecord | undefined {
    while (this.#lines.length > 0 && read(this.#lines.at(-1) as string) === undefined) this.#lines.pop();
    const last = this.#lines.at(-1);
    const record = last === undefined ? undefined : read(last);
    return record?.height === height ? record : undefined;
  }

  /** What deliberate carelessness does. */
  forget(): void {
    this.#lines = [];
  }
}

function read(line: string): SafetyRecord | undefined {
  const space = line.indexOf(" ");
  const body = line.slice(space + 1);
  return space > 0 && body.length === Number(line.slice(0, space))
    ? (JSON.parse(body) as SafetyRecord)
    : undefined;
}
