import { contentOf, type FinalityMessage, type Proposal, type Vote } from "./messages.js";
import type { Quorum } from "./quorum.js";

/** Two messages of one sender for the same step: proof of a double proposal, prevote or precommit. */
export interface Conflict {
  readonly first: FinalityMessage;
  readonly second: FinalityMessage;
}

interface RoundLog {
  proposal: Proposal | undefined;
  readonly prevote: Map<number, Vote[]>;
  readonly precommit: Map<number, Vote[]>;
}

/**
 * The messages of one height. Of conflicting messages the first stays. A vote that conflicts is kept beside it only
 * when f + 1 others, hence an honest one, voted the same: otherwise a node that was lied to could never see the quorum
 * that others saw with the liar's other vote. Fewer than three checkpoints can have so many votes, so at most 6n + 1
 * messages are kept for a round. Rounds are bounded by the caller, who lets in only those near its own.
 */
export class MessageLog {
  readonly #quorum: Quorum;
  readonly #rounds = new Map<number, RoundLog>();

  constructor(quorum: Quorum) {
    this.#quorum = quorum;
  }

  /** Keeps a message. Returns whether it is new, or what it conflicts with. */
  add(message: FinalityMessage): "new" | "known" | Conflict {
    return message.kind === "proposal" ? this.#addProposal(message) : this.#addVote(message);
  }

  #addProposal(message: Proposal): "new" | "known" | Conflict {
    const log = this.#round(message.round);
    const first = log.proposal;
    if (first !== undefined)
      return contentOf(first) === contentOf(message) ? "known" : { first, second: message };
    log.proposal = message;
    return "new";
  }

  #addVote(message: Vote): "new" | "known" | Conflict {
    const votes = this.#round(message.round)[message.kind];
    const ofSender = votes.get(message.sender);
    if (ofSender === undefined) {
      votes.set(message.sender, [message]);
      return "new";
    }
    if (ofSender.some((vote) => vote.checkpointId === message.checkpointId)) return "known";
    if (this.isBacked(message)) ofSender.push(message);
    return { first: ofSender[0] as Vote, second: message };
  }

  proposal(round: number): Proposal | undefined {
    return this.#rounds.get(round)?.proposal;
  }

  /** Votes of a round for a checkpoint (undefined: nil). */
  votes(kind: Vote["kind"], round: number, checkpointId: string | undefined): Vote[] {
    const votes = this.#rounds.get(round)?.[kind].values() ?? [];
    return [...votes].flat().filter((vote) => vote.checkpointId === checkpointId);
  }

  hasQuorum(kind: Vote["kind"], round: number, checkpointId: string | undefined): boolean {
    return this.votes(kind, round, checkpointId).length >= this.#quorum.quorum;
  }

  /** Whether an honest node voted the same for certain. */
  isBacked({ kind, round, checkpointId }: Vote): boolean {
    return this.votes(kind, round, checkpointId).length >= this.#quorum.oneHonest;
  }

  /** Whether a quorum voted in a round, for whatever. */
  hasAnyQuorum(kind: Vote["kind"], round: number): boolean {
    return (this.#rounds.get(round)?.[kind].size ?? 0) >= this.#quorum.quorum;
  }

  rounds(): number[] {
    return [...this.#rounds.keys()];
  }

  #round(round: number): RoundLog {
    const known = this.#rounds.get(round);
    if (known !== undefined) return known;
    const log: RoundLog = { proposal: undefined, prevote: new Map(), precommit: new Map() };
    this.#rounds.set(round, log);
    return log;
  }
}
