import { CodedError } from "@aios/kernel/coded-error";
import { contentOf, type FinalityMessage, signedBytes } from "./messages.js";
import type { SignatureScheme } from "./signature-scheme.js";

/** A finality message with its sender's signature. */
export interface SignedMessage {
  readonly message: FinalityMessage;
  readonly signature: Uint8Array;
}

/** A DAG block's claim on a tick, as its maker signed it. */
export interface SignedBlockClaim {
  readonly maker: number;
  readonly tick: number;
  readonly blockId: string;
  /** The bytes that were signed, from which the verifier derived maker, tick and id. */
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * Two signed statements of one node that exclude each other. A lock violation has no case of its own: a quorum of
 * prevotes in a round between may have unlocked the node, so that its two votes alone prove nothing; whoever breaks a
 * lock to decide something else needs more than f nodes to vote twice in one round, which is evidence.
 */
export type Evidence =
  | { readonly kind: "double-message"; readonly first: SignedMessage; readonly second: SignedMessage }
  | { readonly kind: "double-block"; readonly first: SignedBlockClaim; readonly second: SignedBlockClaim };

/**
 * Checks evidence with nothing but the chain id and the set's keys; returns the index of the guilty node.
 * Throws `invalid-evidence` with the field. Cost: two signature checks.
 */
export function verifyEvidence(
  scheme: SignatureScheme,
  chainId: string,
  publicKeys: readonly Uint8Array[],
  evidence: Evidence,
): number {
  const guilty =
    evidence.kind === "double-block"
      ? doubleBlock(evidence.first, evidence.second)
      : doubleMessage(evidence.first.message, evidence.second.message);
  const key = publicKeys[guilty];
  if (key === undefined) throw invalid("sender", "The sender is not in the set.");
  for (const field of ["first", "second"] as const) {
    const statement = evidence[field];
    const bytes = "message" in statement ? signedBytes(chainId, statement.message) : statement.bytes;
    if (!scheme.verify(key, bytes, statement.signature))
      throw invalid(field, "It is not signed by the accused.");
  }
  return guilty;
}

function doubleMessage(first: FinalityMessage, second: FinalityMessage): number {
  for (const field of ["kind", "height", "round", "sender"] as const)
    if (first[field] !== second[field]) throw invalid(field, "The messages are not of one step and sender.");
  if (contentOf(first) === contentOf(second)) throw invalid("second", "The messages say the same.");
  return first.sender;
}

function doubleBlock(first: SignedBlockClaim, second: SignedBlockClaim): number {
  if (first.maker !== second.maker) throw invalid("maker", "The blocks are of two makers.");
  if (first.tick !== second.tick) throw invalid("tick", "The blocks are of two ticks.");
  if (first.blockId === second.blockId) throw invalid("second", "The blocks are the same.");
  return first.maker;
}

function invalid(field: string, message: string): CodedError {
  return new CodedError({ code: "invalid-evidence", kind: "invalid", field, message });
}
