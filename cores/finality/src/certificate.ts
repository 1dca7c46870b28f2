import { CodedError } from "@aios/kernel/coded-error";
import { type Checkpoint, checkpointId } from "./checkpoint.js";
import { signedBytes } from "./messages.js";
import { quorumOf } from "./quorum.js";
import type { SignatureScheme } from "./signature-scheme.js";

/** Proof that a quorum precommitted a checkpoint: one signature, whatever the number of signers. */
export interface Certificate {
  readonly height: number;
  readonly round: number;
  readonly checkpointId: string;
  /** Bit i (of byte ⌊i / 8⌋, least significant first) stands for node i of the set. */
  readonly signers: Uint8Array;
  readonly signature: Uint8Array;
}

/** A precommit's signature and who made it. */
export interface SignedPrecommit {
  readonly sender: number;
  readonly signature: Uint8Array;
}

/** The set that signs: public keys in order, each with a verified proof of possession. */
export interface HonorKeys {
  readonly chainId: string;
  readonly publicKeys: readonly Uint8Array[];
}

/** Joins the precommits of a quorum. Throws `invalid-certificate` for too few or a doubled or unknown signer. */
export function makeCertificate(
  scheme: SignatureScheme,
  keys: HonorKeys,
  checkpoint: Checkpoint,
  round: number,
  precommits: readonly SignedPrecommit[],
): Certificate {
  const signers = new Uint8Array(Math.ceil(keys.publicKeys.length / 8));
  for (const { sender } of precommits) {
    if (!Number.isInteger(sender) || sender < 0 || sender >= keys.publicKeys.length)
      throw invalid("signers", "It names a signer outside the set.");
    if (isSet(signers, sender)) throw invalid("signers", "It counts a signer twice.");
    signers[sender >> 3] = (signers[sender >> 3] ?? 0) | (1 << (sender & 7));
  }
  if (precommits.length < quorumOf(keys.publicKeys.length).quorum)
    throw invalid("signers", "Fewer than a quorum signed.");
  return {
    height: checkpoint.height,
    round,
    checkpointId: checkpointId(checkpoint),
    signers,
    signature: scheme.aggregate(precommits.map(({ signature }) => signature)),
  };
}

/**
 * Checks a certificate against the set of its height: what a light client does. Throws `invalid-certificate` with the
 * field. Cost: one aggregate verification.
 */
export function verifyCertificate(scheme: SignatureScheme, keys: HonorKeys, certificate: Certificate): void {
  const size = keys.publicKeys.length;
  if (certificate.signers.length !== Math.ceil(size / 8)) throw invalid("signers", "It is of another set.");
  for (let bit = size; bit < certificate.signers.length * 8; bit++)
    if (isSet(certificate.signers, bit)) throw invalid("signers", "It names a signer outside the set.");
  const signing = keys.publicKeys.filter((_, node) => isSet(certificate.signers, node));
  if (signing.length < quorumOf(size).quorum) throw invalid("signers", "Fewer than a quorum signed.");
  const { height, round, checkpointId: id } = certificate;
  const vote = { kind: "precommit", height, round, checkpointId: id, sender: 0 } as const;
  if (!scheme.verifyAggregate(signing, signedBytes(keys.chainId, vote), certificate.signature))
    throw invalid("signature", "The signature is not that of its signers.");
}

function isSet(bits: Uint8Array, index: number): boolean {
  return (((bits[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
}

function invalid(field: string, message: string): CodedError {
  return new CodedError({ code: "invalid-certificate", kind: "invalid", field, message });
}
