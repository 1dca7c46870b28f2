import { type CompactBlock, shortIdOf } from "./compact-block.js";
import { type BlockHeader, blockId, type OrderedTransaction } from "./dag-block.js";
import { LastNames } from "./last-names.js";

/** Blocks that wait for transactions; of the peer that has most the oldest makes room, so that none takes that of others. */
const MAX_PARTIAL = 32;
/** Answers that are known to have been asked for, also when nobody waits for them any more. */
const MAX_ASKED = 1_024;

interface Partial {
  readonly header: BlockHeader;
  readonly shortIds: readonly string[];
  readonly found: readonly (OrderedTransaction | undefined)[];
  /** Places of those that are missing, ascending. */
  readonly missing: readonly number[];
  /** Who was asked for them. */
  readonly peer: string;
  untilMs: number;
}

/** What an answer makes of a block. */
export type Filled =
  | {
      readonly kind: "filled";
      readonly header: BlockHeader;
      readonly transactions: readonly OrderedTransaction[];
    }
  /** It was asked of that peer, and is not waited for any more. */
  | { readonly kind: "late" }
  /** Nobody asked that peer. */
  | { readonly kind: "unasked" }
  /** These are not the transactions that were named. */
  | { readonly kind: "wrong" };

/** Blocks that came by the names of their transactions, while some of these are fetched: once, from who named them. Bounded. */
export class PartialBlocks {
  readonly #partial = new Map<string, Partial>();
  readonly #asked = new LastNames(MAX_ASKED);

  has(id: string): boolean {
    return this.#partial.has(id);
  }

  /** Whether it waits as another peer named its transactions, and this one names others: one of them lies. */
  isOtherwise({ header, shortIds }: CompactBlock, peer: string): boolean {
    const partial = this.#partial.get(blockId(header));
    if (partial === undefined || partial.peer === peer) return false;
    const isLike = shortIds.length === partial.shortIds.length;
    return !isLike || shortIds.some((shortId, place) => shortId !== partial.shortIds[place]);
  }

  get size(): number {
    return this.#partial.size;
  }

  /** Keeps what was found of a block, until the rest comes from a peer. */
  add(
    { header, shortIds }: CompactBlock,
    found: Partial["found"],
    missing: readonly number[],
    peer: string,
    untilMs: number,
  ): void {
    if (this.#partial.size >= MAX_PARTIAL) this.#makeRoom();
    const id = blockId(header);
    this.#partial.set(id, { header, shortIds, found, missing, peer, untilMs });
    this.#asked.add(answerOf(id, peer));
  }

  /** The rest of a block. Right or wrong, it is not waited for any more, but for what nobody asked of the peer. */
  fill(id: string, peer: string, transactions: readonly OrderedTransaction[]): Filled {
    const partial = this.#partial.get(id);
    const isAsked = this.#asked.delete(answerOf(id, peer));
    if (partial === undefined || partial.peer !== peer) return { kind: isAsked ? "late" : "unasked" };
    this.#partial.delete(id);
    const { header, shortIds, found, missing } = partial;
    const isRight =
      transactions.length === missing.length &&
      missing.every((place, at) => shortIdOf(transactions[at]?.id ?? "") === shortIds[place]);
    if (!isRight) return { kind: "wrong" };
    const rest = new Map(missing.map((place, at) => [place, transactions[at] as OrderedTransaction]));
    return {
      kind: "filled",
      header,
      transactions: found.map((one, place) => one ?? (rest.get(place) as OrderedTransaction)),
    };
  }

  delete(id: string): void {
    this.#partial.delete(id);
  }

  /** Those whose rest did not come in time, each once; a late answer is still taken. */
  late(nowMs: number): string[] {
    const late: string[] = [];
    for (const [id, partial] of this.#partial) {
      if (partial.untilMs > nowMs) continue;
      partial.untilMs = Number.POSITIVE_INFINITY;
      late.push(id);
    }
    return late;
  }

  /** Whether a block waits for what was asked, and was not said to be late. */
  isAwaiting(id: string): boolean {
    return (this.#partial.get(id)?.untilMs ?? Number.POSITIVE_INFINITY) !== Number.POSITIVE_INFINITY;
  }

  /** Whether one does. */
  get isAwaited(): boolean {
    return [...this.#partial.keys()].some((id) => this.isAwaiting(id));
  }

  #makeRoom(): void {
    const ofPeers = new Map<string, string[]>();
    let most: string[] = [];
    for (const [id, { peer }] of this.#partial) {
      const ids = ofPeers.get(peer) ?? [];
      ofPeers.set(peer, ids);
      ids.push(id);
      if (ids.length > most.length) most = ids;
    }
    this.#partial.delete(most[0] ?? "");
  }
}

function answerOf(id: string, peer: string): string {
  return `${id}/${peer}`;
}
