import { checkpointId } from "@aios/core-finality/checkpoint";
import { signedBytes } from "@aios/core-finality/messages";
import { blockClaimBytes, type DagBlock } from "@aios/core-honor-node/dag-block";
import type { Packet } from "@aios/core-honor-node/node-protocol";
import type { SeededRng } from "@aios/kernel/random";

const REMEMBERED = 40;

/**
 * What a Byzantine node sends in place of each packet, for each recipient anew: nothing, another block for the same tick,
 * a block that builds on what nobody gets, a vote for something else, a proposal with a wrong root, a wrong next set or
 * a withheld tip, an old packet again. Byzantine nodes share what they have seen.
 */
export class ChainLies {
  readonly #rng: SeededRng;
  readonly #chainId: string;
  readonly #old: Packet[] = [];
  readonly #checkpointIds: string[] = [];

  constructor(rng: SeededRng, chainId: string) {
    this.#rng = rng;
    this.#chainId = chainId;
  }

  /** `sign` signs as the liar; `isOwn` tells which votes are its. */
  twist(packet: Packet, seat: number | undefined, sign: (bytes: Uint8Array) => string): Packet | undefined {
    this.#old.push(packet);
    if (this.#old.length > REMEMBERED) this.#old.shift();
    const choice = this.#rng.below(10);
    if (choice < 4) return packet;
    if (choice < 6) return undefined;
    if (choice === 6) return this.#old[this.#rng.below(this.#old.length)];
    if (packet.kind === "block" && packet.block.seat === seat) return this.#otherBlock(packet.block, sign);
    if (packet.kind === "vote" && packet.message.sender === seat) return this.#otherVote(packet, sign);
    return packet;
  }

  #otherBlock(block: DagBlock, sign: (bytes: Uint8Array) => string): Packet {
    const lie = this.#rng.below(4);
    const { signature: _, ...honest } = block;
    const changed =
      lie === 0
        ? { ...honest, transactions: honest.transactions.slice(1) }
        : lie === 1
          ? { ...honest, parents: honest.parents.slice(0, 1) }
          : lie === 2
            ? { ...honest, parents: [...honest.parents, `withheld-${this.#rng.below(3)}`] }
            : { ...honest, tick: honest.tick + 1 + this.#rng.below(3) };
    return { kind: "block", block: { ...changed, signature: sign(blockClaimBytes(this.#chainId, changed)) } };
  }

  #otherVote(packet: Extract<Packet, { kind: "vote" }>, sign: (bytes: Uint8Array) => string): Packet {
    const { message } = packet;
    if (message.kind !== "proposal") {
      if (message.checkpointId !== undefined) this.#know(message.checkpointId);
      const pick = this.#rng.below(this.#checkpointIds.length + 1);
      const other = { ...message, checkpointId: this.#checkpointIds[pick] };
      return { ...packet, message: other, signature: sign(signedBytes(this.#chainId, other)) };
    }
    const { checkpoint } = message;
    const lies = [
      { ...checkpoint, attestedRoot: "wrong" },
      { ...checkpoint, tip: "withheld-0" },
      { ...checkpoint, nextSetId: "wrong" },
      { ...checkpoint, tick: checkpoint.tick + 1 },
      { ...checkpoint, parentRound: checkpoint.parentRound + 1 },
    ];
    const other = { ...message, checkpoint: lies[this.#rng.below(lies.length)] ?? checkpoint };
    this.#know(checkpointId(other.checkpoint));
    return { ...packet, message: other, signature: sign(signedBytes(this.#chainId, other)) };
  }

  #know(id: string): void {
    if (this.#checkpointIds.includes(id)) return;
    this.#checkpointIds.push(id);
    if (this.#checkpointIds.length > 4) this.#checkpointIds.shift();
  }
}
