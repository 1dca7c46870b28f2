import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { logRowsFor } from "@aios/core-ultra-honk/gate-count";
import { decodeHonkKey, MAX_LOG_ROWS } from "@aios/core-ultra-honk/honk-key";
import { checkedHonkProof } from "@aios/core-ultra-honk/honk-proof";
import { powersNeeded, type ReferenceString } from "@aios/core-ultra-honk/reference-string";
import type { R1cs, Witness } from "@aios/core-zkml/r1cs";
import { CodedError } from "@aios/kernel/coded-error";
import { bbProgram } from "./bb-program.js";
import { proverEnded, runBb } from "./bb-run.js";
import { type EncodedCircuit, encoderHere, type HonkEncoder } from "./honk-encoder.js";

const MAX_PENDING = 64;
/** Proofs for the EVM: transcript over Keccak-256, zero-knowledge. */
const TARGET = ["-t", "evm"];
const [CIRCUIT, KEY, PROOF] = ["circuit.acir.gz", "vk", "proof"];

/** A circuit made ready once, for its key and its proofs; its file lies beside the prover until it is released. */
export interface HonkProgram {
  readonly r1cs: R1cs;
  readonly derived: EncodedCircuit["derived"];
  readonly directory: string;
  readonly acirBytes: number;
  /** Gates before padding, and log2 of the rows that hold them. */
  readonly gates: number;
  readonly logRows: number;
}

export interface UltraHonkProverOptions {
  /**
   * Where reference strings lie, one directory a size, and circuits, each in a directory that only this user can enter:
   * the weights are in them. Memory where nothing may touch a disk.
   */
  readonly directory: string;
  /** Called once a size; see `core-ultra-honk` `reference-string`. */
  readonly referenceString: (logRows: number) => Promise<ReferenceString>;
  readonly threads?: number;
  /** Larger circuits are refused by name; log2 of the rows. About 1.7 KB of memory a row. */
  readonly maxLogRows?: number;
  /** Default: in the thread that asks. */
  readonly encoder?: HonkEncoder;
}

interface CallOptions {
  readonly signal?: AbortSignal;
}

interface ProvingOptions extends CallOptions {
  /** The witness is checked and written; what follows is the native program's. */
  readonly onEncoded?: () => void;
}

/**
 * UltraHonk on Aztec's native prover (`@aztec/bb.js`), a process a call: the circuit is read from its file, the witness
 * from a pipe. Calls run in order, at most 64 wait; aborting a call's signal ends its process. Throws
 * `prover-unavailable` where the package has no program for this machine.
 */
export class UltraHonkProver implements AsyncDisposable {
  readonly #program: string;
  readonly #threads: number;
  readonly #maxLogRows: number;
  readonly #encoder: HonkEncoder;
  readonly #referenceStrings = new Map<number, Promise<string>>();
  readonly #programs = new Set<string>();
  readonly #end = new AbortController();
  #tail: Promise<unknown> = Promise.resolve();
  #pending = 0;

  constructor(private readonly options: UltraHonkProverOptions) {
    const program = bbProgram();
    if (program === undefined) throw noProgram();
    this.#program = program;
    this.#threads = options.threads ?? availableParallelism();
    this.#maxLogRows = Math.min(options.maxLogRows ?? 20, MAX_LOG_ROWS);
    this.#encoder = options.encoder ?? encoderHere;
  }

  /** Writes the circuit's file and counts its gates. Throws `circuit-too-large`. */
  async prepare(r1cs: R1cs, options: CallOptions = {}): Promise<HonkProgram> {
    const { file, acirBytes, derived } = await this.#encoder.circuit(r1cs, options.signal);
    await mkdir(this.options.directory, { recursive: true });
    const directory = await mkdtemp(join(this.options.directory, "circuit-"));
    this.#programs.add(directory);
    try {
      await chmod(directory, 0o700);
      await writeFile(join(directory, CIRCUIT), file, { mode: 0o600 });
      const counted = await this.#inTurn(options, (signal) =>
        this.#run({ args: ["gates", ...TARGET, "-b", join(directory, CIRCUIT)], signal }),
      );
      const gates = gatesIn(counted);
      const logRows = logRowsFor(gates);
      if (logRows > this.#maxLogRows) throw tooLarge(gates, this.#maxLogRows);
      return { r1cs, derived, directory, acirBytes, gates, logRows };
    } catch (error) {
      await this.#remove(directory);
      throw error;
    }
  }

  /** The verifying key, 1,888 bytes; see `decodeHonkKey`. */
  async verifyingKey(program: HonkProgram, options: CallOptions = {}): Promise<Uint8Array> {
    const { directory, logRows } = program;
    const key = await this.#inTurn(options, async (signal) => {
      await this.#run({
        args: ["write_vk", ...TARGET, "-b", join(directory, CIRCUIT), "-o", directory],
        referenceStringDirectory: await this.#referenceString(logRows),
        signal,
      });
      return readFile(join(directory, KEY));
    });
    const bytes = new Uint8Array(key);
    decodeHonkKey(bytes);
    return bytes;
  }

  /**
   * Proves that the witness satisfies the circuit; checked first, since the prover would make a proof of anything.
   * Throws `unsatisfied-witness`, `malformed-witness`, `malformed-verifying-key`, `prover-ended`.
   */
  async prove(
    program: HonkProgram,
    key: Uint8Array,
    witness: Witness,
    options: ProvingOptions = {},
  ): Promise<Uint8Array> {
    const { logRows } = decodeHonkKey(key);
    const { directory, r1cs, derived } = program;
    const values = await this.#encoder.witness({ r1cs, derived, witness }, options.signal);
    options.onEncoded?.();
    const proof = await this.#inTurn(options, async (signal) => {
      await rm(join(directory, PROOF), { force: true });
      await writeFile(join(directory, KEY), key);
      const circuit = join(directory, CIRCUIT);
      await this.#run({
        args: ["prove", ...TARGET, "-b", circuit, "-k", join(directory, KEY), "-w", "-", "-o", directory],
        referenceStringDirectory: await this.#referenceString(Math.max(program.logRows, logRows)),
        input: values,
        signal,
      });
      return readFile(join(directory, PROOF));
    });
    return checkedHonkProof(new Uint8Array(proof), logRows);
  }

  /** Whether its circuit still lies ready. */
  isReady(program: HonkProgram): boolean {
    return this.#programs.has(program.directory);
  }

  /** Removes the circuit's file. Waits for the calls before it. */
  async release(program: HonkProgram): Promise<void> {
    this.#programs.delete(program.directory);
    const before = this.#tail;
    this.#tail = before.then(() => this.#remove(program.directory));
    await this.#tail;
  }

  async close(): Promise<void> {
    this.#end.abort(proverEnded("it was closed"));
    await this.#tail;
    await Promise.all([...this.#programs].map((directory) => this.#remove(directory)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #run(run: Omit<Parameters<typeof runBb>[0], "program" | "threads">): Promise<string> {
    return runBb({ ...run, program: this.#program, threads: this.#threads });
  }

  /** One at a time: each has all threads. */
  async #inTurn<T>({ signal }: CallOptions, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#end.signal.throwIfAborted();
    if (this.#pending >= MAX_PENDING) throw proverBusy();
    this.#pending++;
    const either = signal === undefined ? this.#end.signal : AbortSignal.any([this.#end.signal, signal]);
    const turn = this.#tail.then(() => {
      either.throwIfAborted();
      return call(either);
    });
    this.#tail = turn.then(
      () => undefined,
      () => undefined,
    );
    try {
      return await turn;
    } finally {
      this.#pending--;
    }
  }

  async #remove(directory: string): Promise<void> {
    this.#programs.delete(directory);
    await rm(directory, { recursive: true, force: true });
  }

  #referenceString(logRows: number): Promise<string> {
    const known = this.#referenceStrings.get(logRows);
    if (known !== undefined) return known;
    const made = this.#writeReferenceString(logRows);
    this.#referenceStrings.set(logRows, made);
    made.catch(() => this.#referenceStrings.delete(logRows));
    return made;
  }

  async #writeReferenceString(logRows: number): Promise<string> {
    const directory = join(this.options.directory, `2^${logRows}`);
    await mkdir(directory, { recursive: true });
    const { points } = await this.options.referenceString(logRows);
    if (points.length < powersNeeded(logRows) * POINT_BYTES)
      throw proverEnded("its reference string is too short");
    const file = join(directory, "bn254_g1.dat");
    await writeFile(`${file}.new`, points);
    await rename(`${file}.new`, file);
    return directory;
  }
}

const POINT_BYTES = 64;

function gatesIn(counted: string): number {
  try {
    const { functions } = JSON.parse(counted) as { functions?: readonly { circuit_size?: unknown }[] };
    const gates = functions?.[0]?.circuit_size;
    if (typeof gates === "number" && Number.isSafeInteger(gates) && gates > 0) return gates;
  } catch {
    // Falls through to the error that says what came.
  }
  throw proverEnded(`it counted gates as ${counted}`);
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
