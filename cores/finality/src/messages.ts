import { utf8ToBytes } from "@noble/hashes/utils.js";
import { type Checkpoint, checkpointId } from "./checkpoint.js";

/** Proposes a checkpoint for a round. */
export interface Proposal {
  readonly kind: "proposal";
  readonly height: number;
  readonly round: number;
  readonly checkpoint: Checkpoint;
  /** The round whose quorum of prevotes makes the proposer hold this checkpoint valid; -1 for a new one. */
  readonly validRound: number;
  /** Index in the honor set. */
  readonly sender: number;
  /** As it came with the message, in hex; own messages are signed when they leave. */
  readonly signature?: string;
}

/** A prevote or precommit for a checkpoint, or for none. */
export interface Vote {
  readonly kind: "prevote" | "precommit";
  readonly height: number;
  readonly round: number;
  /** Undefined: nil. */
  readonly checkpointId: string | undefined;
  readonly sender: number;
  /** As it came with the message, in hex; own messages are signed when they leave. */
  readonly signature?: string;
}

export type FinalityMessage = Proposal | Vote;

/**
 * The bytes that a sender signs. They name chain, kind, height and round, and not the sender, so that all precommits
 * for a checkpoint sign the same bytes and aggregate.
 */
export function signedBytes(chainId: string, message: FinalityMessage): Uint8Array {
  const content =
    message.kind === "proposal"
      ? [checkpointId(message.checkpoint), message.validRound]
      : [message.checkpointId ?? "nil"];
  const { kind, height, round } = message;
  return utf8ToBytes(`aios.finality.v1\n${JSON.stringify([chainId, kind, height, round, ...content])}`);
}

/** Equal messages have equal text: of one sender, kind, height and round only one may exist. */
export function contentOf(message: FinalityMessage): string {
  if (message.kind !== "proposal") return message.checkpointId ?? "nil";
  return `${checkpointId(message.checkpoint)}/${message.validRound}`;
}
