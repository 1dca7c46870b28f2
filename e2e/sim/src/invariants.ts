import { type Checkpoint, checkpointId } from "@aios/core-finality/checkpoint";
import { contentOf, type FinalityMessage } from "@aios/core-finality/messages";
import { quorumOf } from "@aios/core-finality/quorum";

/** What an honest node did that none may do. */
export class Violation extends Error {}

/** Sees everything that honest nodes say and decide, and every vote on the network. */
export class Invariants {
  readonly #quorum: number;
  readonly #decided = new Map<number, string>();
  readonly #said = new Map<string, string>();
  /** Voters by height, round and checkpoint. */
  readonly #prevoters = new Map<string, Set<number>>();
  /** By sender and height: what it precommitted, by round. */
  readonly #precommitted = new Map<string, { round: number; id: string }[]>();

  constructor(size: number) {
    this.#quorum = quorumOf(size).quorum;
  }

  /** Every message that is sent, by whomever. */
  onNetwork(message: FinalityMessage): void {
    if (message.kind !== "prevote" || message.checkpointId === undefined) return;
    const key = `${message.height}/${message.round}/${message.checkpointId}`;
    const voters = this.#prevoters.get(key) ?? new Set();
    this.#prevoters.set(key, voters.add(message.sender));
  }

  /** An honest node says something: once for each step, and never against its lock. */
  onHonestMessage(message: FinalityMessage): void {
    const { kind, height, round, sender } = message;
    const step = `${kind}/${height}/${round}/${sender}`;
    const content = contentOf(message);
    const before = this.#said.get(step);
    if (before !== undefined && before !== content)
      throw new Violation(`node ${sender} contradicts itself: ${kind} at ${height}/${round}`);
    this.#said.set(step, content);
    if (message.kind === "proposal" || message.checkpointId === undefined) return;
    const votes = `${height}/${sender}`;
    const locks = this.#precommitted.get(votes) ?? [];
    if (message.kind === "precommit") {
      this.#precommitted.set(votes, [...locks, { round, id: message.checkpointId }]);
      return;
    }
    const lock = locks.filter((earlier) => earlier.round < round).at(-1);
    if (lock === undefined || lock.id === message.checkpointId) return;
    for (let between = lock.round; between < round; between++)
      if ((this.#prevoters.get(`${height}/${between}/${message.checkpointId}`)?.size ?? 0) >= this.#quorum)
        return;
    throw new Violation(`node ${sender} breaks its lock at ${height}/${round}`);
  }

  /** An honest node takes a checkpoint for decided. */
  onDecision(checkpoint: Checkpoint, expectedRoot: string): void {
    const { height } = checkpoint;
    const id = checkpointId(checkpoint);
    const other = this.#decided.get(height);
    if (other !== undefined && other !== id) throw new Violation(`two checkpoints decided at ${height}`);
    this.#decided.set(height, id);
    if (checkpoint.tip.startsWith("withheld")) throw new Violation(`unavailable data decided at ${height}`);
    if (checkpoint.attestedRoot !== expectedRoot) throw new Violation(`wrong root attested at ${height}`);
  }
}
