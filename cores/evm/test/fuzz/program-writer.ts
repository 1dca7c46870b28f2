import type { Random } from "./random.js";
import type { Program } from "./scenario.js";

const hexByte = (value: number): string => value.toString(16).padStart(2, "0");

/** Writes code while it knows roughly how many words are on the stack. */
export class ProgramWriter {
  readonly #code: string[] = [];
  readonly #data: string[] = [];
  #labels = 0;
  depth = 0;

  constructor(readonly random: Random) {}

  /** An instruction with the words that it takes and gives. */
  op(code: number, takes: number, gives: number): this {
    this.#code.push(hexByte(code));
    this.depth = Math.max(0, this.depth - takes) + gives;
    return this;
  }

  push(value: bigint | number): this {
    let digits = BigInt(value).toString(16);
    if (digits.length % 2 === 1) digits = `0${digits}`;
    // Before Shanghai there is no PUSH0; a word pushed with more bytes than it needs is a case of its own.
    if (this.random.chance(3)) digits = digits.padStart(64, "0");
    this.#code.push(hexByte(0x5f + digits.length / 2) + digits);
    this.depth++;
    return this;
  }

  /** Pushes what is missing for an instruction; now and then it does not, and the stack underflows. */
  need(words: number): this {
    while (this.depth < words && !this.random.chance(0.3)) this.push(this.random.word());
    return this;
  }

  raw(hex: string): this {
    this.#code.push(hex);
    return this;
  }

  label(): string {
    return String(this.#labels++);
  }

  /** A JUMPDEST. */
  place(label: string): this {
    this.#code.push(`:${label}`);
    return this;
  }

  pushLabel(label: string): this {
    this.#code.push(`@${label}`);
    this.depth++;
    return this;
  }

  /** Bytes behind the code, to be copied from there. */
  data(hex: string): string {
    const label = `d${this.#labels++}`;
    this.#data.push(`=${label}`, hex);
    return label;
  }

  /** Brings the stack to a depth. */
  level(depth: number): this {
    while (this.depth > depth) this.op(0x50, 1, 0);
    while (this.depth < depth) this.push(this.random.word());
    return this;
  }

  program(): Program {
    return [...this.#code, "00", ...this.#data];
  }
}
