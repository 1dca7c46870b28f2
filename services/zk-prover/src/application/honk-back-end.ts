import type { HonkProgram, UltraHonkProver } from "@aios/barretenberg/ultra-honk-prover";
import { type ReferenceString, tauG2Words } from "@aios/core-ultra-honk/reference-string";
import type { R1cs } from "@aios/core-zkml/r1cs";
import { isCodedError } from "@aios/kernel/coded-error";
import { ceremonyNotTaken, modelDoesNotFit } from "../domain/errors.js";
import type { Calculations } from "./calculations.js";
import type { MadeKey } from "./made-key.js";
import type { CircuitToLoad, KeyToMake, ProofBackEnd, ReadyCircuit } from "./proof-back-end.js";

/** Of a proof's time, what checking and writing the witness takes; about. */
const ENCODED_SHARE = 0.15;

/** One universal set-up for all models, proofs by Aztec's native prover, verified by the contract that is on chain. */
export class HonkBackEnd implements ProofBackEnd {
  readonly system = "honk";
  readonly name = "ultrahonk-bn254";
  /** The circuit that a key was made for last: loading it for its proofs follows. */
  #last: HonkProgram | undefined;

  constructor(
    private readonly prover: Pick<
      UltraHonkProver,
      "prepare" | "verifyingKey" | "prove" | "isReady" | "release"
    >,
    private readonly setUp: Pick<ReferenceString, "tauG2" | "trust">,
    private readonly calculations: Pick<Calculations, "verifyHonk">,
  ) {}

  async makeKey({ r1cs, ceremony, signal, onProgress }: KeyToMake): Promise<MadeKey> {
    if (ceremony !== undefined) throw ceremonyNotTaken();
    const program = await this.#prepare(r1cs, signal);
    onProgress(0.5);
    const verifyingKey = await this.#keyOf(program, signal);
    await this.#keep(program);
    return {
      verifyingKey,
      provingKey: undefined,
      constraintCount: program.gates,
      trust: this.setUp.trust,
      ceremonyTranscriptHash: undefined,
    };
  }

  async load({ r1cs, verifyingKey, signal }: CircuitToLoad): Promise<ReadyCircuit> {
    const last = this.#last?.r1cs === r1cs ? this.#last : undefined;
    if (last !== undefined) this.#last = undefined;
    const program = last ?? (await this.#prepare(r1cs, signal));
    const { prover } = this;
    return {
      r1cs,
      isReady: () => prover.isReady(program),
      prove: (witness, proveSignal, onPart) => {
        onPart?.(0, "The witness is checked and written for the native prover.");
        const onEncoded = (): void => onPart?.(ENCODED_SHARE, "The native prover computes the proof.");
        return prover.prove(program, verifyingKey, witness, { signal: proveSignal, onEncoded });
      },
      release: () => prover.release(program),
    };
  }

  verify(verifyingKey: Uint8Array, publicInputs: readonly bigint[], proof: Uint8Array): Promise<boolean> {
    const tauG2 = tauG2Words(this.setUp.tauG2);
    return this.calculations.verifyHonk({ tauG2, verifyingKey, publicInputs, proof });
  }

  async #prepare(r1cs: R1cs, signal: AbortSignal): Promise<HonkProgram> {
    try {
      return await this.prover.prepare(r1cs, { signal });
    } catch (error) {
      if (isCodedError(error) && error.code === "circuit-too-large")
        throw modelDoesNotFit(this.name, error.message, error.details);
      throw error;
    }
  }

  /** Nobody would release the circuit of a key that could not be made. */
  async #keyOf(program: HonkProgram, signal: AbortSignal): Promise<Uint8Array> {
    try {
      return await this.prover.verifyingKey(program, { signal });
    } catch (error) {
      await this.prover.release(program);
      throw error;
    }
  }

  async #keep(program: HonkProgram): Promise<void> {
    const before = this.#last;
    this.#last = program;
    if (before !== undefined) await this.prover.release(before);
  }
}
