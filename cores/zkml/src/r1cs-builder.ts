import { CodedError } from "@aios/kernel/coded-error";
import type { R1cs, R1csMatrix } from "./r1cs.js";
import { toScalar } from "./scalar-field.js";

/** Σ coefficient · signal, by signal index; index 0 is the constant one. Coefficients need not be reduced. */
export type LinearCombination = ReadonlyMap<number, bigint>;

export const ONE: LinearCombination = new Map([[0, 1n]]);

export function constantTerm(value: bigint): LinearCombination {
  return new Map([[0, value]]);
}

export function signalTerm(signal: number, coefficient = 1n): LinearCombination {
  return new Map([[signal, coefficient]]);
}

/** Σ weight · combination. */
export function combine(parts: Iterable<readonly [LinearCombination, bigint]>): LinearCombination {
  const sum = new Map<number, bigint>();
  for (const [combination, weight] of parts) {
    for (const [signal, coefficient] of combination)
      sum.set(signal, (sum.get(signal) ?? 0n) + coefficient * weight);
  }
  return sum;
}

export function plus(...combinations: readonly LinearCombination[]): LinearCombination {
  return combine(combinations.map((combination) => [combination, 1n] as const));
}

export function minus(a: LinearCombination, b: LinearCombination): LinearCombination {
  return combine([
    [a, 1n],
    [b, -1n],
  ]);
}

class MatrixBuilder {
  readonly #rowEnds: number[] = [];
  readonly #columns: number[] = [];
  readonly #coefficientIds: number[] = [];

  constructor(private readonly coefficientId: (value: bigint) => number) {}

  addRow(combination: LinearCombination, signals: number): void {
    for (const [signal, coefficient] of combination) {
      if (signal >= signals)
        throw new CodedError({
          code: "unknown-signal",
          kind: "internal",
          message: "A constraint uses an unknown signal.",
        });
      const scalar = toScalar(coefficient);
      if (scalar === 0n) continue;
      this.#columns.push(signal);
      this.#coefficientIds.push(this.coefficientId(scalar));
    }
    this.#rowEnds.push(this.#columns.length);
  }

  build(): R1csMatrix {
    return {
      rowEnds: Uint32Array.from(this.#rowEnds),
      columns: Uint32Array.from(this.#columns),
      coefficientIds: Uint32Array.from(this.#coefficientIds),
    };
  }
}

/**
 * Writes a rank-1 constraint system row by row. Declare all public inputs before the first private signal. A signal
 * means nothing until constraints fix it: each gadget says which ones do.
 */
export class R1csBuilder {
  readonly #signalNames = ["one"];
  readonly #constraintNames: string[] = [];
  readonly #coefficients: bigint[] = [];
  readonly #coefficientIds = new Map<bigint, number>();
  readonly #a: MatrixBuilder;
  readonly #b: MatrixBuilder;
  readonly #c: MatrixBuilder;
  #publicInputs = 0;

  constructor() {
    const coefficientId = (value: bigint): number => {
      const known = this.#coefficientIds.get(value);
      if (known !== undefined) return known;
      this.#coefficientIds.set(value, this.#coefficients.length);
      return this.#coefficients.push(value) - 1;
    };
    this.#a = new MatrixBuilder(coefficientId);
    this.#b = new MatrixBuilder(coefficientId);
    this.#c = new MatrixBuilder(coefficientId);
  }

  /** Throws `public-after-private`. */
  publicInput(name: string): number {
    if (this.#signalNames.length !== this.#publicInputs + 1) {
      throw new CodedError({
        code: "public-after-private",
        kind: "internal",
        message: "Public inputs come before private signals.",
      });
    }
    this.#publicInputs++;
    return this.#signalNames.push(name) - 1;
  }

  signal(name: string): number {
    return this.#signalNames.push(name) - 1;
  }

  /** Adds a · b = c. */
  constrain(name: string, a: LinearCombination, b: LinearCombination, c: LinearCombination): void {
    const signals = this.#signalNames.length;
    this.#a.addRow(a, signals);
    this.#b.addRow(b, signals);
    this.#c.addRow(c, signals);
    this.#constraintNames.push(name);
  }

  /** Adds x ∈ {0, 1} by x · (x − 1) = 0. */
  constrainBoolean(name: string, x: LinearCombination): void {
    this.constrain(name, x, minus(x, ONE), new Map());
  }

  /** Adds left = right; put the longer side on the left. */
  constrainEqual(name: string, left: LinearCombination, right: LinearCombination): void {
    this.constrain(name, left, ONE, right);
  }

  build(): R1cs {
    return {
      variables: this.#signalNames.length,
      publicInputs: this.#publicInputs,
      constraints: this.#constraintNames.length,
      coefficients: [...this.#coefficients],
      a: this.#a.build(),
      b: this.#b.build(),
      c: this.#c.build(),
      constraintNames: [...this.#constraintNames],
      signalNames: [...this.#signalNames],
    };
  }
}
