import { checkpointId } from "@aios/core-finality/checkpoint";
import { signedBytes } from "@aios/core-finality/messages";
import { compactOf } from "@aios/core-honor-node/compact-block";
import { blockClaimBytes, blockId, type DagBlock } from "@aios/core-honor-node/dag-block";
import type { Packet } from "@aios/core-honor-node/node-protocol";
import type { SeededRng } from "@aios/kernel/random";

const REMEMBERED = 40;
const REMEMBERED_BLOCKS = 400;

/** Who lies: its seat, its signature, and the blocks that it holds. */
export interface Liar {
  readonly seat: number | undefined;
  readonly sign: (bytes: Uint8Array) => string;
  readonly blockOf: (id: string) => DagBlock | undefined;
}

/**
 * What a Byzantine node sends in place of each packet, for each recipient anew: nothing, another block for the same tick,
 * a block that builds on what nobody gets, one that names other transactions than its header, not all or other ones of those that
 * it is asked for, names of transactions that nobody has, a vote for something else, a proposal with a wrong root, a wrong next
 * set or a withheld tip, an old packet again. Byzantine nodes share what they have seen.
 *
 * Where they `divide` they are also selective, for good: they keep their precommits and decisions to themselves, so that they
 * may know of another certificate than the others, propose and prevote to some nodes alone, and name long merged blocks as
 * parents, which others may have pruned.
 */
export class ChainLies {
  readonly #rng: SeededRng;
  readonly #chainId: string;
  readonly #divides: boolean;
  readonly #old: Packet[] = [];
  readonly #checkpointIds: string[] = [];
  readonly #blockIds = new Set<string>();

  constructor(rng: SeededRng, chainId: string, options: { readonly divides: boolean }) {
    this.#rng = rng;
    this.#chainId = chainId;
    this.#divides = options.divides;
  }

  /** `isFavoured`: whether the recipient is one of those that it tells more. */
  twist(packet: Packet, liar: Liar, isFavoured: boolean): Packet | undefined {
    const { seat, sign } = liar;
    this.#old.push(packet);
    if (this.#old.length > REMEMBERED) this.#old.shift();
    if (this.#divides) {
      this.#knowBlock(packet);
      if (packet.kind === "decision") return undefined;
      if (packet.kind === "vote" && packet.message.sender === seat)
        return packet.message.kind !== "precommit" && isFavoured ? packet : undefined;
    }
    const choice = this.#rng.below(10);
    if (choice < 4) return packet;
    if (choice < 6) return undefined;
    if (choice === 6) return this.#old[this.#rng.below(this.#old.length)];
    if (packet.kind === "block" && packet.block.seat === seat) return this.#otherBlock(packet.block, sign);
    if (packet.kind === "compact-block") return this.#otherCompact(packet, liar);
    if (packet.kind === "block-transactions") return this.#otherTransactions(packet);
    if (packet.kind === "announce") return { ...packet, shortIds: [...packet.shortIds, this.#nobodysId()] };
    if (packet.kind === "vote" && packet.message.sender === seat) return this.#otherVote(packet, sign);
    return packet;
  }

  #otherBlock(block: DagBlock, sign: (bytes: Uint8Array) => string): Packet {
    const lie = this.#rng.below(this.#divides ? 5 : 4);
    const { signature: _, ...honest } = block;
    const changed =
      lie === 0
        ? { ...honest, transactions: honest.transactions.slice(1) }
        : lie === 1
          ? { ...honest, parents: honest.parents.slice(0, 1) }
          : lie === 2
            ? { ...honest, parents: [...honest.parents, `withheld-${this.#rng.below(3)}`] }
            : lie === 3
              ? { ...honest, tick: honest.tick + 1 + this.#rng.below(3) }
              : { ...honest, parents: [...honest.parents, this.#oldBlock()] };
    return { kind: "block", block: { ...changed, signature: sign(blockClaimBytes(this.#chainId, changed)) } };
  }

  #otherCompact(packet: Extract<Packet, { kind: "compact-block" }>, { seat, sign, blockOf }: Liar): Packet {
    const { header, shortIds } = packet.block;
    const whole = blockOf(blockId(header));
    const lie = this.#rng.below(4);
    if (lie < 2 && whole?.seat === seat && whole !== undefined) {
      const other = this.#otherBlock(whole, sign);
      return lie === 0 || other.kind !== "block" ? other : { ...packet, block: compactOf(other.block) };
    }
    const others =
      lie === 2
        ? [...shortIds].reverse()
        : shortIds.map((one) => (this.#rng.below(2) === 0 ? one : this.#nobodysId()));
    return { ...packet, block: { header, shortIds: others } };
  }

  #otherTransactions(packet: Extract<Packet, { kind: "block-transactions" }>): Packet {
    const transactions =
      this.#rng.below(2) === 0 ? packet.transactions.slice(1) : [...packet.transactions].reverse();
    return { ...packet, transactions };
  }

  /** Of a transaction that is nowhere. */
  #nobodysId(): string {
    return `nobody-${this.#rng.below(5)}`;
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

  #knowBlock(packet: Packet): void {
    if (packet.kind === "compact-block") this.#blockIds.add(blockId(packet.block.header));
    else if (packet.kind === "block") this.#blockIds.add(blockId(packet.block));
    else return;
    if (this.#blockIds.size > REMEMBERED_BLOCKS)
      this.#blockIds.delete(this.#blockIds.values().next().value as string);
  }

  #oldBlock(): string {
    const ids = [...this.#blockIds];
    return ids[this.#rng.below(ids.length)] ?? "withheld-0";
  }

  #know(id: string): void {
    if (this.#checkpointIds.includes(id)) return;
    this.#checkpointIds.push(id);
    if (this.#checkpointIds.length > 4) this.#checkpointIds.shift();
  }
}
