import { mkdir, rename, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type AcirCircuit, acirWitness } from "@aios/core-ultra-honk/acir-circuit";
import { encodeAcirProgram, encodeAcirWitness } from "@aios/core-ultra-honk/acir-codec";
import { decodeHonkKey, MAX_LOG_ROWS } from "@aios/core-ultra-honk/honk-key";
import { joinHonkProof } from "@aios/core-ultra-honk/honk-proof";
import type { ReferenceString } from "@aios/core-ultra-honk/reference-string";
import { assertSatisfied, type R1cs, type Witness } from "@aios/core-zkml/r1cs";
import { CodedError } from "@aios/kernel/coded-error";
import { Barretenberg, findBbBinary } from "@aztec/bb.js";
import { BbProcess, proverEnded } from "./bb-process.js";

const MAX_PENDING = 64;
/** Proofs for the EVM: transcript over Keccak-256, zero-knowledge. */
const EVM_SETTINGS = {
  ipaAccumulation: false,
  oracleHashType: "keccak",
  disableZk: false,
  optimizedSolidityVerifier: false,
} as const;
const CIRCUIT_NAME = "model";

/** A circuit made ready once, for its key and its proofs. */
export interface HonkProgram {
  readonly r1cs: R1cs;
  readonly circuit: AcirCircuit;
  readonly bytecode: Uint8Array;
  /** Gates before padding, and log2 of the rows after it. */
  readonly gates: number;
  readonly logRows: number;
}

export interface UltraHonkProverOptions {
  /** Where reference strings lie, one directory a size. */
  readonly directory: string;
  /** Called once a size; see `core-ultra-honk` `reference-string`. */
  readonly referenceString: (logRows: number) => Promise<ReferenceString>;
  readonly threads?: number;
  /** Larger circuits are refused by name; log2 of the rows. About 1.7 KB of memory a row. */
  readonly maxLogRows?: number;
}

interface CallOptions {
  readonly signal?: AbortSignal;
}

/**
 * UltraHonk on Aztec's native prover (`@aztec/bb.js`), in a process of its own. Calls are answered in order, at most 64
 * wait; aborting a call's signal ends the process, the next call starts another. Throws `prover-unavailable` where the
 * package has no program for this machine.
 */
export class UltraHonkProver implements AsyncDisposable {
  readonly #program: string;
  readonly #threads: number;
  readonly #maxLogRows: number;
  readonly #directories = new Map<number, Promise<string>>();
  #running: { readonly logRows: number; readonly process: BbProcess } | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #pending = 0;
  #closed = false;

  constructor(private readonly options: UltraHonkProverOptions) {
    const program = findBbBinary();
    if (program === null) throw noProgram();
    this.#program = program;
    this.#threads = options.threads ?? availableParallelism();
    this.#maxLogRows = Math.min(options.maxLogRows ?? 20, MAX_LOG_ROWS);
  }

  /** Counts the circuit's gates. Throws `circuit-too-large`. */
  async prepare(r1cs: R1cs, circuit: AcirCircuit, options: CallOptions = {}): Promise<HonkProgram> {
    const bytecode = encodeAcirProgram(circuit);
    const { numGates, numGatesDyadic } = await this.#ask(2, options, (bb) =>
      bb.circuitStats({
        circuit: { name: CIRCUIT_NAME, bytecode, verificationKey: new Uint8Array() },
        includeGatesPerOpcode: false,
        settings: EVM_SETTINGS,
      }),
    );
    const logRows = Math.log2(numGatesDyadic);
    if (logRows > this.#maxLogRows) throw tooLarge(numGates, this.#maxLogRows);
    return { r1cs, circuit, bytecode, gates: numGates, logRows };
  }

  /** The verifying key, 1,888 bytes; see `decodeHonkKey`. */
  async verifyingKey(program: HonkProgram, options: CallOptions = {}): Promise<Uint8Array> {
    const { bytes } = await this.#ask(program.logRows, options, (bb) =>
      bb.circuitComputeVk({
        circuit: { name: CIRCUIT_NAME, bytecode: program.bytecode },
        settings: EVM_SETTINGS,
      }),
    );
    decodeHonkKey(bytes);
    return bytes;
  }

  /**
   * Proves that the witness satisfies the circuit; checked first, since the prover would make a proof of anything.
   * Throws `unsatisfied-witness`, `malformed-witness`, `prover-ended`.
   */
  async prove(
    program: HonkProgram,
    key: Uint8Array,
    witness: Witness,
    options: CallOptions = {},
  ): Promise<Uint8Array> {
    assertSatisfied(program.r1cs, witness);
    const values = encodeAcirWitness(acirWitness(program.circuit, witness));
    const { proof } = await this.#ask(program.logRows, options, (bb) =>
      bb.circuitProve({
        circuit: { name: CIRCUIT_NAME, bytecode: program.bytecode, verificationKey: key },
        witness: values,
        settings: EVM_SETTINGS,
      }),
    );
    return joinHonkProof(proof, program.logRows);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #ask<T>(logRows: number, { signal }: CallOptions, ask: (bb: Barretenberg) => Promise<T>): Promise<T> {
    if (this.#closed) throw proverEnded();
    if (this.#pending >= MAX_PENDING) throw proverBusy();
    this.#pending++;
    const turn = this.#tail.then(async () => {
      signal?.throwIfAborted();
      const process = await this.#processFor(logRows);
      const stop = (): void => void process.destroy();
      signal?.addEventListener("abort", stop, { once: true });
      try {
        return await ask(new Barretenberg(process, {}));
      } catch (error) {
        signal?.throwIfAborted();
        throw error;
      } finally {
        signal?.removeEventListener("abort", stop);
      }
    });
    this.#tail = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#pending--;
    }
  }

  async #processFor(logRows: number): Promise<BbProcess> {
    if (this.#running !== undefined && this.#running.logRows >= logRows && this.#running.process.isAlive)
      return this.#running.process;
    await this.#stop();
    const process = await BbProcess.start({
      program: this.#program,
      referenceStringDirectory: await this.#directoryFor(logRows),
      threads: this.#threads,
    });
    this.#running = { logRows, process };
    if (this.#closed) {
      await this.#stop();
      throw proverEnded();
    }
    return process;
  }

  async #stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.process.destroy();
  }

  #directoryFor(logRows: number): Promise<string> {
    const known = this.#directories.get(logRows);
    if (known !== undefined) return known;
    const made = this.#writeReferenceString(logRows);
    this.#directories.set(logRows, made);
    made.catch(() => this.#directories.delete(logRows));
    return made;
  }

  async #writeReferenceString(logRows: number): Promise<string> {
    const directory = join(this.options.directory, `2^${logRows}`);
    await mkdir(directory, { recursive: true });
    const { points } = await this.options.referenceString(logRows);
    const file = join(directory, "bn254_g1.dat");
    await writeFile(`${file}.new`, points);
    await rename(`${file}.new`, file);
    return directory;
  }
}

function noProgram(): CodedError {
  return new CodedError({
    code: "prover-unavailable",
    kind: "unavailable",
    message: `There is no UltraHonk prover for ${process.platform} on ${process.arch}.`,
  });
}

function proverBusy(): CodedError {
  return new CodedError({
    code: "prover-busy",
    kind: "unavailable",
    message: "The UltraHonk prover has no place in its queue.",
  });
}

function tooLarge(gates: number, maxLogRows: number): CodedError {
  return new CodedError({
    code: "circuit-too-large",
    kind: "unprocessable",
    message: `The circuit has ${gates} gates; UltraHonk is offered up to ${2 ** maxLogRows}.`,
    details: { gates, most: 2 ** maxLogRows },
  });
}
