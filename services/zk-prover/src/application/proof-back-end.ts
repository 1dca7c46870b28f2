import type { R1cs, Witness } from "@aios/core-zkml/r1cs";
import type { KeyCeremony } from "../domain/model-key.js";
import type { ProofSystem } from "../domain/proof-system.js";
import type { MadeKey, MadeProvingKey } from "./made-key.js";

/** What is done before the part, 0 to 1, and the part in a sentence. */
export type OnProvingPart = (fraction: number, part: string) => void;

/** A circuit whose proofs can be made at once. */
export interface ReadyCircuit {
  readonly r1cs: R1cs;
  /** False when what held it has ended: it is then made ready again. */
  isReady(): boolean;
  /** Checks the witness first and says each part that it begins. Throws `unsatisfied-witness`. */
  prove(witness: Witness, signal: AbortSignal, onPart?: OnProvingPart): Promise<Uint8Array>;
  release(): Promise<void>;
}

export interface KeyToMake {
  readonly r1cs: R1cs;
  readonly ceremony: KeyCeremony | undefined;
  readonly signal: AbortSignal;
  onProgress(fraction: number): void;
}

export interface CircuitToLoad {
  readonly r1cs: R1cs;
  readonly verifyingKey: Uint8Array;
  readonly provingKey: MadeProvingKey | undefined;
  readonly signal: AbortSignal;
}

/** One proof system: everything that the pool needs to know about it. Keys and proofs are bytes, as it encodes them. */
export interface ProofBackEnd {
  readonly system: ProofSystem;
  /** As quotes and proof files name it. */
  readonly name: string;
  /** Throws `model-does-not-fit`, `ceremony-not-taken`, and what a ceremony's checks throw. */
  makeKey(wanted: KeyToMake): Promise<MadeKey>;
  load(circuit: CircuitToLoad): Promise<ReadyCircuit>;
  /** By a verifier that has nothing in common with the prover. */
  verify(verifyingKey: Uint8Array, publicInputs: readonly bigint[], proof: Uint8Array): Promise<boolean>;
}
