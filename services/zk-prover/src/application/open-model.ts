import type { ProvableModel } from "@aios/core-zkml/integer-graph";
import { decodeProvableModel, provableModelCommitment } from "@aios/core-zkml/provable-model";
import type { Bytes32 } from "@aios/kernel/identifiers";
import { modelCommitmentMismatch } from "../domain/errors.js";

export function hexOf(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString("hex")}`;
}

/** Throws `model-commitment-mismatch` unless the plaintext is the committed model. */
export function openModel(plaintext: Uint8Array, commitment: Bytes32): ProvableModel {
  const model = decodeProvableModel(plaintext);
  if (hexOf(provableModelCommitment(model)) !== commitment) throw modelCommitmentMismatch();
  return model;
}
