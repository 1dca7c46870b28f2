import { keccak256 } from "ethers/crypto";
import { concat } from "ethers/utils";

const WHOLE = 10_000n;
const NOTE = /^block (0x[0-9a-f]{64}), secret (0x[0-9a-f]{64}), ([0-9]{1,5}) of 10,000$/;

/** What decided whether a sampled delivery is proven. Hashes and secret are 32 bytes, 0x hex. */
export interface DrawFacts {
  /** Of the block that holds the delivery. */
  readonly blockHash: string;
  /** What the order's nonce is the hash of. */
  readonly secret: string;
  /** Of 10,000 deliveries so many are drawn. */
  readonly shareBps: number;
}

/**
 * What a sampled job's order carries as its nonce: keccak256 of the secret that the draw takes, so that it is fixed, and
 * signed, before there is a provider; nobody but who made it can know it until it is shown.
 */
export function drawCommitment(secret: string): bigint {
  return BigInt(keccak256(secret));
}

/**
 * Whether a delivery is drawn, with probability `shareBps` / 10,000: keccak256 of job id, secret and the hash of the block
 * that holds the delivery, modulo 10,000. Who delivers cannot know the secret, who knows the secret cannot know the block.
 */
export function isDrawn(jobId: string, { blockHash, secret, shareBps }: DrawFacts): boolean {
  return BigInt(keccak256(concat([jobId, secret, blockHash]))) % WHOLE < BigInt(shareBps);
}

/** The facts as one line, which stands as the note of the job's step. */
export function drawNote({ blockHash, secret, shareBps }: DrawFacts): string {
  return `block ${blockHash}, secret ${secret}, ${shareBps} of 10,000`;
}

/** Inverse of `drawNote`; undefined for any other text. */
export function parseDrawNote(note: string): DrawFacts | undefined {
  const [, blockHash, secret, share] = NOTE.exec(note) ?? [];
  if (blockHash === undefined || secret === undefined) return undefined;
  return { blockHash, secret, shareBps: Number(share) };
}
