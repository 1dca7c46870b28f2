import { AbiCoder, keccak256 } from "ethers";

const coder = AbiCoder.defaultAbiCoder();

/** Keccak-256 of a drawer's 32 secret bytes, as it is committed to. */
export function drawSecretHash(secret: string): string {
  return keccak256(coder.encode(["bytes32"], [secret]));
}

/** What the samples are drawn by; as `CapabilityClaims.reveal`. Hashes are 0x hex. */
export function drawSeed(claimId: bigint, secret: string, blockHash: string): string {
  return keccak256(coder.encode(["uint64", "bytes32", "bytes32"], [claimId, secret, blockHash]));
}

/**
 * Index of the sample at a position of the draw, with replacement. Its distance from uniform is below size / 2^256.
 */
export function drawnIndex(seed: string, position: number, size: number): number {
  return Number(BigInt(keccak256(coder.encode(["bytes32", "uint16"], [seed, position]))) % BigInt(size));
}

/** What stands for the job in the statement of a position's proof; as `CapabilityClaims.questionId`. */
export function questionId(claimId: bigint, position: number): string {
  return keccak256(coder.encode(["uint64", "uint16"], [claimId, position]));
}
