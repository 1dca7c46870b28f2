import { honorKeysOf } from "@aios/core-committee/honor-set";
import type { BlockColouring } from "@aios/core-ghostdag/ghostdag";
import { hexToBytes } from "@noble/hashes/utils.js";
import { BlockClaims } from "./block-claims.js";
import { formFault, headFault } from "./block-rules.js";
import { blockOf, type CompactBlock, compactOf } from "./compact-block.js";
import {
  type BlockHeader,
  blockClaimBytes,
  blockId,
  type DagBlock,
  isWhole,
  type OrderedTransaction,
} from "./dag-block.js";
import { LastNames } from "./last-names.js";
import type { NodeContext } from "./node-context.js";
import type { Packet } from "./node-protocol.js";
import type { PacketFault } from "./packet-faults.js";
import { PartialBlocks } from "./partial-blocks.js";
import { PeerBudget } from "./peer-budget.js";
import { PullRequests } from "./pull-requests.js";

/** Blocks that one question asks for, and that a peer may owe at once. */
const MAX_WANTED = 64;
/** Blocks that are not asked for again, though peers name them. */
const MAX_SURPLUS = 4_096;
/**
 * Checks of signatures that the blocks of a peer get: at once, and in a second. A block that comes into the DAG costs its sender
 * nothing, so that these are for what is late, refused or waits; more than its own blocks no peer sends unasked.
 */
const CHECKS = { most: 512, aSecond: 32 };
/** Good signatures that are not checked again. */
const MAX_CHECKED = 4_096;
/** What a block costs in an answer beside its transactions. */
export const BLOCK_OVERHEAD_BYTES = 512;

/** Takes blocks in, gives them out, asks for those that are missing, and finds makers of two blocks in a tick. */
export class BlockExchange {
  readonly #context: NodeContext;
  readonly #budget: PeerBudget;
  readonly #onInserted: (blocks: readonly DagBlock[]) => void;
  readonly #claims: BlockClaims;
  readonly #requests: PullRequests;
  readonly #partial = new PartialBlocks();
  /** More blocks of a maker and tick than tell anything new. */
  readonly #surplus = new LastNames(MAX_SURPLUS);
  readonly #checks = new PeerBudget(CHECKS.aSecond, CHECKS.most);
  /** Blocks with signatures that were found good: a block often comes twice, and a liar's as often as it likes. */
  readonly #checked = new LastNames(MAX_CHECKED);
  /** Who sent a block; what is wrong with it may come out when its parents are there. */
  readonly #senders = new WeakMap<DagBlock, string>();

  constructor(context: NodeContext, budget: PeerBudget, onInserted: (blocks: readonly DagBlock[]) => void) {
    this.#context = context;
    this.#budget = budget;
    this.#onInserted = onInserted;
    this.#claims = new BlockClaims(context.settings.chain.chainId, context.dag);
    this.#requests = new PullRequests({
      timeoutMs: context.answerMs,
      maxRequests: 32 * MAX_WANTED,
      maxOfPeer: MAX_WANTED,
    });
  }

  /** Up to this tick blocks are decided. */
  decided(tick: number): void {
    this.#claims.decided(tick);
  }

  /** Sends a new block to all, by the names of its transactions where it has some: peers have most of them. */
  spread(block: DagBlock): void {
    this.#context.broadcast(
      block.transactions.length === 0
        ? { kind: "block", block }
        : { kind: "compact-block", block: compactOf(block) },
    );
  }

  /** A block from a peer. What is refused is dropped; what it lacks is asked of the peer. */
  receive(from: string, block: DagBlock): void {
    const id = blockId(block);
    if (!this.#isNews(from, id, block)) return;
    // Before anything of it is remembered: a faulty seat signs whatever it likes.
    if (this.#isRefused(from, formFault(block, this.#context.ruleContext))) return;
    if (this.#isSigned(from, block)) this.#takeIn(from, id, block);
  }

  /** A block by the names of its transactions. What is missing of it is asked of the peer, once. */
  receiveCompact(from: string, compact: CompactBlock): void {
    const { header, shortIds } = compact;
    const { pool, settings, nowMs, answerMs, ruleContext } = this.#context;
    const id = blockId(header);
    if (this.#partial.has(id)) {
      if (this.#partial.isOtherwise(compact, from)) this.want([id], from);
      return;
    }
    if (!this.#isNews(from, id, header)) return;
    if (this.#isRefused(from, headFault(header, ruleContext)) || !this.#isSigned(from, header)) return;
    this.#noteClaim(header);
    const found = shortIds.map((shortId) => pool.find(shortId) ?? settings.read?.find(shortId));
    const missing = found.flatMap((one, place) => (one === undefined ? [place] : []));
    if (missing.length === 0) this.#assemble(from, header, found as OrderedTransaction[]);
    else if (2 * missing.length > shortIds.length) this.want([id], from);
    else {
      this.#partial.add(compact, found, missing, from, nowMs + answerMs);
      this.#context.send(from, { kind: "want-transactions", block: id, places: missing });
      this.#context.awaitAnswers();
    }
  }

  /** What was missing of a block. */
  receiveTransactions(from: string, { block, transactions }: BlockTransactions): void {
    const filled = this.#partial.fill(block, from, transactions);
    if (filled.kind === "filled") this.#assemble(from, filled.header, filled.transactions);
    else if (filled.kind === "unasked") this.#context.refuse(from, "unasked");
    else if (filled.kind === "wrong") {
      this.#context.refuse(from, "wrong-transactions");
      this.want([block], undefined);
    }
  }

  /** Puts a block into the DAG whose signature is known to be good; returns what it lacks. */
  add(block: DagBlock): readonly string[] {
    const inserted = this.#context.dag.insert(block);
    if (inserted.kind === "waiting") return inserted.missing;
    if (inserted.kind === "refused") this.#refuseLate(block, inserted.reason);
    if (inserted.kind !== "inserted") return [];
    for (const one of inserted.blocks) {
      this.#requests.done(blockId(one));
      this.#noteClaim(one);
      const from = this.#senders.get(one);
      if (from !== undefined) this.#checks.giveBack(from, 1, this.#context.nowMs);
    }
    for (const { block: one, reason } of inserted.refused) this.#refuseLate(one, reason);
    this.#onInserted(inserted.blocks);
    return [];
  }

  /** Puts a block back that the log holds. */
  restore(block: DagBlock | BlockHeader, colouring: BlockColouring): void {
    const { dag, pool } = this.#context;
    if (dag.has(blockId(block))) return;
    dag.restore(block, colouring);
    this.#noteClaim(block);
    if (!isWhole(block)) return;
    const place = { block: blockId(block), tick: block.tick };
    for (const { id } of block.transactions) pool.sawInBlock(id, place);
  }

  /** Answers a peer that asks for blocks, also with those that only an archive has, as far as its budget goes. */
  answer(from: string, ids: readonly string[]): void {
    for (const id of ids.slice(0, MAX_WANTED)) {
      if (!this.#hasBudget(from)) return;
      const block = this.#find(id);
      if (block === undefined) continue;
      this.#budget.spend(from, bytesOf(block.transactions), this.#context.nowMs);
      this.#context.send(from, { kind: "block", block });
    }
  }

  /** Answers a peer that lacks some of a new block's transactions: what is not in memory any more is no new block. */
  answerTransactions(from: string, { block: id, places }: WantTransactions): void {
    if (!this.#hasBudget(from)) return;
    const block = this.#context.dag.entry(id)?.block;
    if (block === undefined || !isWhole(block)) return;
    const transactions = places.flatMap((place) => block.transactions[place] ?? []);
    this.#budget.spend(from, bytesOf(transactions), this.#context.nowMs);
    this.#context.send(from, { kind: "block-transactions", block: id, transactions });
  }

  /** Asks for blocks that others build on, first of all `from`: they are taken in whatever else their makers signed. */
  want(ids: readonly string[], from: string | undefined): void {
    for (const id of ids) if (this.#isUnknown(id)) this.#requests.need(id, from, this.#context.nowMs);
    this.#ask();
  }

  /** As `want`, before all that is not decided. */
  wantFirst(ids: readonly string[]): void {
    for (const id of ids) if (this.#isUnknown(id)) this.#requests.needFirst(id, this.#context.nowMs);
    this.#ask();
  }

  /** Asks again for what blocks wait for, on the accounts of those who sent them. */
  wantMissing(): void {
    const { dag, nowMs } = this.#context;
    for (const [id, block] of dag.missing) this.#requests.need(id, this.#senders.get(block), nowMs);
    this.#ask();
  }

  /** Asks a peer for blocks that it names, which are taken in as if they had come unasked: it may name what it likes. */
  ask(ids: readonly string[], from: string): void {
    const news = ids.filter(
      (id) =>
        this.#isUnknown(id) &&
        !this.#isComing(id) &&
        !this.#surplus.has(id) &&
        this.#requests.offer(id, from),
    );
    if (news.length > 0) this.#ask();
  }

  /** Passes over peers that did not answer in time. */
  pull(): void {
    const { nowMs } = this.#context;
    this.want(this.#partial.late(nowMs), undefined);
  }

  #ask(): void {
    if (this.#requests.size > 0) {
      const { asks, late } = this.#requests.due(this.#context.nowMs, this.#context.presentPeers);
      for (const peer of late) this.#context.refuse(peer, "no-answer");
      for (const [peer, ids] of asks) this.#context.send(peer, { kind: "want", ids });
    }
    if (this.#requests.size > 0 || this.#partial.isAwaited) this.#context.awaitAnswers();
  }

  #isUnknown(id: string): boolean {
    const { dag } = this.#context;
    return !dag.has(id) && !dag.isWaiting(id);
  }

  /**
   * Whether it is here but for transactions that were asked for or are being read. What still waits when nodes gossip is asked
   * for all the same: others may hold it up.
   */
  #isComing(id: string): boolean {
    return this.#partial.isAwaiting(id) || this.#context.settings.read?.isUnderway(id) === true;
  }

  #find(id: string): DagBlock | undefined {
    const { dag, settings } = this.#context;
    return dag.block(id) ?? settings.history.block(id);
  }

  #hasBudget(from: string): boolean {
    if (this.#budget.isLeft(from, this.#context.nowMs)) return true;
    this.#context.refuse(from, "over-budget");
    return false;
  }

  #assemble(from: string, header: BlockHeader, transactions: readonly OrderedTransaction[]): void {
    const id = blockId(header);
    const block = blockOf(header, transactions);
    if (block === undefined) {
      this.#context.refuse(from, "compact-mismatch");
      this.want([id], from);
    } else if (!this.#isRefused(from, formFault(block, this.#context.ruleContext)))
      this.#takeIn(from, id, block);
  }

  #takeIn(from: string, id: string, block: DagBlock): void {
    const isFirst = this.#requests.isFirst(id);
    this.#requests.done(id);
    this.#partial.delete(id);
    this.#noteClaim(block);
    this.#senders.set(block, from);
    const missing = this.add(block);
    if (missing.length === 0) return;
    if (isFirst) this.wantFirst(missing);
    else
      this.want(
        missing.filter((one) => !this.#isComing(one)),
        from,
      );
  }

  /**
   * Whether a block is to be looked at. Of a maker and tick two are taken in unasked; of more, only what another block builds
   * on.
   */
  #isNews(from: string, id: string, block: DagBlock | BlockHeader): boolean {
    if (!this.#isUnknown(id)) return false;
    if (this.#requests.isNeeded(id)) return true;
    const { chain } = this.#context;
    // Where decisions have run ahead, the blocks of the heights behind them are still to come.
    const { number } = chain.setOf(Math.min(chain.height, chain.executedHeight + 1));
    if (block.setNumber < number - 1) return false;
    if (!this.#claims.isExhausted(block)) return true;
    this.#surplus.add(id);
    this.#requests.done(id);
    this.#context.refuse(from, "too-many-of-tick");
    return false;
  }

  #isSigned(from: string, block: DagBlock | BlockHeader): boolean {
    const { chain, settings } = this.#context;
    const set = chain.reignOf(block.setNumber)?.set;
    if (set === undefined) return false;
    const name = `${blockId(block)}/${block.signature}`;
    if (this.#checked.has(name)) return true;
    if (!this.#checks.isLeft(from, this.#context.nowMs)) {
      this.#context.refuse(from, "too-many-blocks");
      return false;
    }
    this.#checks.spend(from, 1, this.#context.nowMs);
    const key = honorKeysOf(settings.chain.chainId, set).publicKeys[block.seat];
    const claim = blockClaimBytes(settings.chain.chainId, block);
    if (key === undefined || !settings.scheme.verify(key, claim, hexToBytes(block.signature))) {
      this.#context.refuse(from, "invalid-signature");
      return false;
    }
    this.#checked.add(name);
    return true;
  }

  #isRefused(from: string, fault: PacketFault | undefined): boolean {
    if (fault !== undefined) this.#context.refuse(from, fault);
    return fault !== undefined;
  }

  #refuseLate(block: DagBlock, reason: PacketFault): void {
    const from = this.#senders.get(block);
    if (from !== undefined) this.#context.refuse(from, reason);
  }

  #noteClaim(block: DagBlock | BlockHeader): void {
    const double = this.#claims.note(block);
    if (double === undefined) return;
    this.#context.accuse(block.setNumber, block.seat, `block ${block.tick}`, () => ({
      kind: "double-block",
      ...double,
    }));
  }
}

type BlockTransactions = Extract<Packet, { kind: "block-transactions" }>;
type WantTransactions = Extract<Packet, { kind: "want-transactions" }>;

function bytesOf(transactions: readonly OrderedTransaction[]): number {
  return transactions.reduce((sum, { payload }) => sum + payload.length, BLOCK_OVERHEAD_BYTES);
}
