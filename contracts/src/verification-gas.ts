import { HONK_KEY_BYTES } from "@aios/core-ultra-honk/honk-key";
import { honkProofBytes } from "@aios/core-ultra-honk/honk-proof";

/** Gas of verifying a proof in the settling transaction, about. */
export interface VerificationGas {
  /** At Osaka's prices. */
  readonly execution: number;
  /** Of the evidence. */
  readonly calldata: number;
}

const CALLDATA_GAS = { zero: 4, other: 16 };
/** Offsets and lengths, mostly zeros. */
const HEAD_GAS = 4 * (30 * CALLDATA_GAS.zero + 2 * CALLDATA_GAS.other);
/** Verifying key of three public inputs, and proof. */
const GROTH16_BYTES = 704 + 256;
const GROTH16_GAS = 217_378;
/** Of a circuit of one row, and of each doubling: a round of the sumcheck, a point and some words to hash more. */
const HONK_GAS = 1_007_800;
const HONK_GAS_PER_DOUBLING = 44_280;
/** Of key and proof: 18 points at infinity where all gates are arithmetic, and the words that recursion would use. */
const HONK_ZERO_BYTES = 18 * 64 + 8 * 32;

/** What bytes cost as calldata of a transaction (EIP-2028). */
export function calldataGas(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum + (byte === 0 ? CALLDATA_GAS.zero : CALLDATA_GAS.other), 0);
}

export function groth16VerificationGas(): VerificationGas {
  return { execution: GROTH16_GAS, calldata: HEAD_GAS + GROTH16_BYTES * CALLDATA_GAS.other };
}

/** For a circuit of 2^logRows rows. */
export function honkVerificationGas(logRows: number): VerificationGas {
  const bytes = HONK_KEY_BYTES + honkProofBytes(logRows) - HONK_ZERO_BYTES;
  return {
    execution: HONK_GAS + logRows * HONK_GAS_PER_DOUBLING,
    calldata: HEAD_GAS + bytes * CALLDATA_GAS.other + HONK_ZERO_BYTES * CALLDATA_GAS.zero,
  };
}
