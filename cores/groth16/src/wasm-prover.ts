import { CodedError } from "@aios/kernel/coded-error";
import type { PointGroup } from "./prover-messages.js";

/** What the crate exports; see crate/src/lib.rs. Handles and results are i64. */
interface ProverExports {
  readonly memory: WebAssembly.Memory;
  reserve(length: number): number;
  release(at: number, length: number): void;
  load_circuit(at: number, length: number): bigint;
  first_unsatisfied(circuit: bigint, at: number, length: number): bigint;
  setup_begin(circuit: bigint, at: number, length: number): bigint;
  setup_step(setup: bigint): bigint;
  setup_finish(setup: bigint): bigint;
  encode_key(key: bigint): bigint;
  verifying_key(key: bigint): bigint;
  load_points(isG2: number, at: number, length: number): bigint;
  sum_points(points: bigint, at: number, length: number): bigint;
  quotient(circuit: bigint, at: number, length: number): bigint;
  assemble(at: number, length: number, blindingAt: number): bigint;
  check_points(isG2: number, isMontgomery: number, at: number, length: number): bigint;
  encode_points(points: bigint): bigint;
  combine_points(circuit: bigint, matrix: number, points: bigint): bigint;
  add_points(left: bigint, right: bigint, negate: number): bigint;
  scale_points(points: bigint, scalarAt: number): bigint;
  interpolate(at: number, length: number): bigint;
  bytes_at(handle: bigint): number;
  bytes_length(handle: bigint): number;
  forget(handle: bigint): void;
}

/** As arkworks writes points, or as `.ptau` files hold them. */
export type PointEncoding = "standard" | "montgomery";

/** Name of an object inside the module. */
export type Handle = bigint;

const ERRORS: Readonly<Record<string, string>> = {
  "-1": "The circuit is malformed.",
  "-2": "A value is not a field element, or there are not as many as the circuit has.",
  "-3": "The prover does not hold this object.",
  "-4": "This trapdoor cannot be used: take another seed.",
  "-5": "The points are malformed.",
  "-6": "There are not as many scalars as points.",
  "-7": "The prover failed.",
  "-8": "The set-up is not finished.",
};

const PAGE_BYTES = 65_536;

/** There is no memory for what was asked. Code `prover-out-of-memory`. */
export function outOfMemory(): CodedError {
  return new CodedError({
    code: "prover-out-of-memory",
    kind: "unavailable",
    message: "The prover has not enough memory for this.",
  });
}

function checked(result: bigint): bigint {
  if (result >= 0n) return result;
  const message = ERRORS[String(result)] ?? "The prover failed.";
  throw new CodedError({
    code: "prover-refused",
    kind: "invalid",
    message,
    details: { result: Number(result) },
  });
}

/**
 * The compiled prover, used synchronously in one thread. It gets memory and bytes only: no clock, no randomness, no
 * imports.
 */
export class WasmProver {
  readonly #exports: ProverExports;

  constructor(module: WebAssembly.Module) {
    const instance = new WebAssembly.Instance(module, {});
    this.#exports = instance.exports as unknown as ProverExports;
  }

  #withInput<R>(bytes: Uint8Array, use: (at: number) => R): R {
    const at = this.#reserve(bytes.length);
    try {
      new Uint8Array(this.#exports.memory.buffer, at, bytes.length).set(bytes);
      return use(at);
    } finally {
      this.#exports.release(at, bytes.length);
    }
  }

  #reserve(length: number): number {
    try {
      return this.#exports.reserve(length);
    } catch (error) {
      // It does nothing else that could trap.
      if (error instanceof WebAssembly.RuntimeError) throw outOfMemory();
      throw error;
    }
  }

  /**
   * Whether memory was what an error, of any call, was about: the host had none, or the module, which traps then as it
   * does for any other failure, cannot grow by as much as it has. Afterwards the prover is of no use.
   */
  isExhausted(error: unknown): boolean {
    if (error instanceof CodedError) return error.code === "prover-out-of-memory";
    if (error instanceof RangeError) return /allocation|memory/i.test(error.message);
    if (!(error instanceof WebAssembly.RuntimeError)) return false;
    const { memory } = this.#exports;
    try {
      memory.grow(memory.buffer.byteLength / PAGE_BYTES);
      return false;
    } catch {
      return true;
    }
  }

  /** Copies a bytes object out and forgets it. */
  #takeBytes(handle: Handle): Uint8Array<ArrayBuffer> {
    const at = this.#exports.bytes_at(handle);
    const bytes = new Uint8Array(this.#exports.memory.buffer, at, this.#exports.bytes_length(handle)).slice();
    this.#exports.forget(handle);
    return bytes as Uint8Array<ArrayBuffer>;
  }

  loadCircuit(encoded: Uint8Array): Handle {
    return this.#withInput(encoded, (at) => checked(this.#exports.load_circuit(at, encoded.length)));
  }

  /** Row of the first broken constraint, or `undefined`. */
  firstUnsatisfied(circuit: Handle, witness: Uint8Array, constraints: number): number | undefined {
    const row = this.#withInput(witness, (at) =>
      checked(this.#exports.first_unsatisfied(circuit, at, witness.length)),
    );
    return Number(row) === constraints ? undefined : Number(row);
  }

  /** Computes a key from tau, alpha, beta, gamma, delta; `onStep` hears the fraction done. */
  developmentSetup(circuit: Handle, trapdoor: Uint8Array, onStep: (fraction: number) => void): Handle {
    const setup = this.#withInput(trapdoor, (at) =>
      checked(this.#exports.setup_begin(circuit, at, trapdoor.length)),
    );
    let total: number | undefined;
    for (;;) {
      const left = Number(checked(this.#exports.setup_step(setup)));
      total ??= left + 1;
      onStep(1 - left / total);
      if (left === 0) return checked(this.#exports.setup_finish(setup));
    }
  }

  encodeKey(key: Handle): Uint8Array<ArrayBuffer> {
    return this.#takeBytes(checked(this.#exports.encode_key(key)));
  }

  verifyingKey(key: Handle): Uint8Array<ArrayBuffer> {
    return this.#takeBytes(checked(this.#exports.verifying_key(key)));
  }

  /** Points are not checked: the hash of the key they come from was. */
  loadPoints(group: PointGroup, points: Uint8Array): Handle {
    return this.#withInput(points, (at) =>
      checked(this.#exports.load_points(group === "g2" ? 1 : 0, at, points.length)),
    );
  }

  /** Σ scalar · point: one uncompressed point. */
  sumPoints(points: Handle, scalars: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.#withInput(scalars, (at) =>
      this.#takeBytes(checked(this.#exports.sum_points(points, at, scalars.length))),
    );
  }

  /** The caller has called `firstUnsatisfied`: this does not check. */
  quotient(circuit: Handle, witness: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.#withInput(witness, (at) =>
      this.#takeBytes(checked(this.#exports.quotient(circuit, at, witness.length))),
    );
  }

  /** A proof from the key's fixed points and every thread's sums. */
  assemble(points: Uint8Array, blinding: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.#withInput(points, (at) =>
      this.#withInput(blinding, (blindingAt) =>
        this.#takeBytes(checked(this.#exports.assemble(at, points.length, blindingAt))),
      ),
    );
  }

  /** Points of strangers: canonical, on the curve, in the subgroup, none at infinity; `prover-refused` otherwise. */
  checkPoints(group: PointGroup, encoding: PointEncoding, points: Uint8Array): Handle {
    return this.#withInput(points, (at) =>
      checked(
        this.#exports.check_points(
          group === "g2" ? 1 : 0,
          encoding === "montgomery" ? 1 : 0,
          at,
          points.length,
        ),
      ),
    );
  }

  encodePoints(points: Handle): Uint8Array<ArrayBuffer> {
    return this.#takeBytes(checked(this.#exports.encode_points(points)));
  }

  /** For each variable the combination of points by its column of matrix A (0), B (1) or C (2). */
  combinePoints(circuit: Handle, matrix: 0 | 1 | 2, points: Handle): Handle {
    return checked(this.#exports.combine_points(circuit, matrix, points));
  }

  /** One by one, of G1. */
  addPoints(left: Handle, right: Handle): Handle {
    return checked(this.#exports.add_points(left, right, 0));
  }

  subtractPoints(left: Handle, right: Handle): Handle {
    return checked(this.#exports.add_points(left, right, 1));
  }

  scalePoints(points: Handle, scalar: Uint8Array): Handle {
    return this.#withInput(scalar, (at) => checked(this.#exports.scale_points(points, at)));
  }

  /** Coefficients of the polynomial with these values on the domain of as many elements. */
  interpolate(values: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.#withInput(values, (at) =>
      this.#takeBytes(checked(this.#exports.interpolate(at, values.length))),
    );
  }

  forget(handle: Handle): void {
    this.#exports.forget(handle);
  }
}
