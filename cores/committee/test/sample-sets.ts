import { type Certificate, makeCertificate } from "@aios/core-finality/certificate";
import { type Checkpoint, checkpointId } from "@aios/core-finality/checkpoint";
import { signedBytes } from "@aios/core-finality/messages";
import { quorumOf } from "@aios/core-finality/quorum";
import type { SignatureScheme } from "@aios/core-finality/signature-scheme";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes } from "@noble/hashes/utils.js";
import type { Candidate } from "../src/election.js";
import { type HonorSet, honorKeysOf } from "../src/honor-set.js";

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

export function member(index: number): { account: string; publicKey: string } {
  return { account: `0x${hex(index + 1, 40)}`, publicKey: hex(index + 1, 96) };
}

/** Members `first`, `first + 1` and so on. */
export function honorSet(size: number, number = 0, first = 0): HonorSet {
  return { number, members: Array.from({ length: size }, (_, seat) => member(first + seat)) };
}

export function candidate(index: number, changes: Partial<Candidate> = {}): Candidate {
  return {
    ...member(index),
    controller: `controller-${index}`,
    stakeWei: 10_000n,
    score: 100n,
    isSuspended: false,
    sittingSinceCycle: undefined,
    ...changes,
  };
}

const tag = (key: Uint8Array, message: Uint8Array): Uint8Array => sha256(concatBytes(key, message));
const join = (parts: readonly Uint8Array[]): Uint8Array =>
  parts.reduce((sum, part) => sum.map((byte, at) => byte ^ (part[at] ?? 0)), new Uint8Array(32));
const equal = (a: Uint8Array, b: Uint8Array): boolean => a.every((byte, at) => byte === b[at]);

/** Signatures that only this file makes. */
export const idealScheme: SignatureScheme = {
  verify: (key, message, signature) => equal(tag(key, message), signature),
  aggregate: join,
  verifyAggregate: (keys, message, signature) => equal(join(keys.map((key) => tag(key, message))), signature),
};

/** The certificate that the first quorum of a set, or `signers` of it, would make. */
export function certify(chainId: string, set: HonorSet, checkpoint: Checkpoint): Certificate {
  const keys = honorKeysOf(chainId, set);
  const { height } = checkpoint;
  const id = checkpointId(checkpoint);
  const bytes = signedBytes(chainId, { kind: "precommit", height, round: 0, checkpointId: id, sender: 0 });
  const precommits = keys.publicKeys
    .slice(0, quorumOf(set.members.length).quorum)
    .map((key, sender) => ({ sender, signature: tag(key, bytes) }));
  return makeCertificate(idealScheme, keys, checkpoint, 0, precommits);
}
