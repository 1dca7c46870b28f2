import type { Bytes32 } from "@aios/kernel/identifiers";
import { bytes32 } from "@aios/kernel/identifiers";

/** Groth16 has keys of its own for each model; UltraHonk one set-up for all, and larger, dearer proofs. */
export type ProofSystem = "groth16" | "honk";

export const PROOF_SYSTEMS: readonly ProofSystem[] = ["groth16", "honk"];

/** One model under one proof system: what keys, loaded circuits and times belong to. */
export interface ProvenModel {
  readonly modelCommitment: Bytes32;
  readonly proofSystem: ProofSystem;
}

/** Name of a model under a proof system; a model's commitment alone stands for Groth16. */
export function provenModelId({ modelCommitment, proofSystem }: ProvenModel): string {
  return proofSystem === "groth16" ? modelCommitment : `${modelCommitment}:${proofSystem}`;
}

/** Inverse of `provenModelId`. */
export function provenModelOf(id: string): ProvenModel {
  const [commitment = "", named = "groth16"] = id.split(":");
  const proofSystem = PROOF_SYSTEMS.find((system) => system === named);
  if (proofSystem === undefined) throw new TypeError(`${named} is no proof system`);
  return { modelCommitment: bytes32(commitment), proofSystem };
}
