import type { HonorSet } from "@aios/core-committee/honor-set";
import type { BlockColouring } from "@aios/core-ghostdag/ghostdag";
import { BLOCK_OVERHEAD_BYTES, BlockExchange } from "./block-exchange.js";
import { makeBlock } from "./block-production.js";
import type { ChainBase } from "./chain-base.js";
import { baseAt, isPruningDue } from "./chain-pruning.js";
import { type ChainSnapshot, takeSnapshot } from "./chain-snapshot.js";
import { shortIdOf } from "./compact-block.js";
import {
  type BlockFacts,
  type BlockHeader,
  blockId,
  type DagBlock,
  type OrderedTransaction,
} from "./dag-block.js";
import { FinalityDriver } from "./finality-driver.js";
import { NodeContext } from "./node-context.js";
import type { Decision, ExecutionResult, LogEntry, NodeInput, NodeOutput, Packet } from "./node-protocol.js";
import type { NodeSettings } from "./node-settings.js";
import { PeerBudget } from "./peer-budget.js";
import { RangeRequests } from "./range-requests.js";
import { MAX_TRANSACTIONS_IN_PACKET, TransactionGossip } from "./transaction-gossip.js";
import type { PoolPlace } from "./transaction-pool.js";

/** Packets that may bring heights that are known and ordered. */
const BRINGS_PROGRESS: ReadonlySet<Packet["kind"]> = new Set([
  "block",
  "compact-block",
  "block-transactions",
  "decision",
]);
/** Decisions sent to a peer that is behind, for one status of its. */
const DECISIONS_AT_ONCE = 4;
/** A node so many heights behind asks for them in ranges, each with its blocks. */
const FAR_BEHIND = 3;
/** What one range holds at most. */
const RANGE_HEIGHTS = 32;
const RANGE_BYTES = 1_048_576;
/** Of blocks and transactions that a peer asks for: in a second, and at once after it asked for nothing. */
const ANSWERED_BYTES = { aSecond: 8_388_608, most: 16_777_216 };
/** Of heights that were executed before a start, so many states are asked for: the next checkpoint attests the last. */
const STATES_BEFORE = 3;

/** What a node holds in memory. */
export interface NodeSizes {
  readonly dagBlocks: number;
  /** Of the blocks' transactions, about. */
  readonly heldBytes: number;
  readonly decisions: number;
  readonly pooled: number;
}

/**
 * An honor node without its clock, disk, network and execution engine: block DAG, mempool, finality, hand-overs and what
 * peers tell each other. A node without a seat runs the same and follows.
 *
 * Deterministic: outputs depend on the settings, the log and the inputs with their times alone. Outputs are to be carried
 * out in order; what is persisted has to be on disk before what follows leaves.
 */
export class HonorNode {
  readonly #context: NodeContext;
  readonly #budget = new PeerBudget(ANSWERED_BYTES.aSecond, ANSWERED_BYTES.most);
  readonly #blocks: BlockExchange;
  readonly #transactions: TransactionGossip;
  readonly #finality: FinalityDriver;
  readonly #ranges: RangeRequests;
  /** Up to this height the log says what was ordered. */
  #loggedOrder = 0;
  /** Heights up to this one were executed before this start, but for the last ones nobody has to ask for their states. */
  #executedBefore = 0;
  /** Of what this height and those before it ordered, only the state matters. */
  #baseHeight = 0;
  /** Accepted transactions in the log that are not settled. */
  #accepted = new Set<string>();
  /** Transactions that were ordered and not executed yet, each with the last height that ordered it. */
  readonly #unexecuted = new Map<string, number>();
  /** Blocks that were left when the DAG was pruned last. */
  #sizeAfterPruning = 0;

  constructor(settings: NodeSettings) {
    this.#context = new NodeContext(settings);
    this.#ranges = new RangeRequests(2 * settings.gossipMs);
    this.#blocks = new BlockExchange(this.#context, this.#budget, (blocks) => this.#onBlocks(blocks));
    this.#transactions = new TransactionGossip(this.#context, this.#budget);
    this.#finality = new FinalityDriver(this.#context, (decision, isOwn) => this.#onDecided(decision, isOwn));
  }

  /** The height that is to be decided. */
  get height(): number {
    return this.#context.chain.height;
  }

  /** Own seat in the set that decides it. */
  get seat(): number | undefined {
    return this.#context.seat;
  }

  /** A decision that this node has: pruned nodes keep the last ones, and those that hand over to another set. */
  decision(height: number): Decision | undefined {
    return this.#context.chain.decision(height) ?? this.#context.settings.history.decision(height);
  }

  /** What another node needs to go on from a height; undefined while its proofs are missing or where it was pruned. */
  snapshot(height: number): ChainSnapshot | undefined {
    return takeSnapshot(this.#context, height, (at) => this.decision(at));
  }

  /** What is held in memory. */
  get sizes(): NodeSizes {
    const { dag, chain, pool } = this.#context;
    return {
      dagBlocks: dag.size,
      heldBytes: dag.heldBytes,
      decisions: chain.height - chain.firstHeight,
      pooled: pool.size,
    };
  }

  /** The set that decides the present height. */
  get honorSet(): HonorSet {
    return this.#context.chain.reign.set;
  }

  /** A set that decides or decided; undefined for one that is not known. */
  setNumbered(setNumber: number): HonorSet | undefined {
    return this.#context.chain.reignOf(setNumber)?.set;
  }

  /** Decisions that handed over to the sets from number `fromSet` on, oldest first, at most `limit`. */
  handOvers(fromSet: number, limit: number): Decision[] {
    const reigns = this.#context.chain.reignsFrom(fromSet, limit);
    return reigns.flatMap(({ fromHeight }) => this.decision(fromHeight - 1) ?? []);
  }

  /** Blocks that nothing it holds descends from. */
  get tips(): readonly string[] {
    return this.#context.dag.tips;
  }

  block(id: string): DagBlock | undefined {
    return this.#context.dag.block(id);
  }

  /** Blocks of a tick that it holds, in order of arrival; the transactions of older ones may be gone. */
  blocksOfTick(tick: number): readonly (DagBlock | BlockHeader)[] {
    const { dag } = this.#context;
    return dag.entriesOfTick(tick).map(({ id, block }) => dag.block(id) ?? block);
  }

  /** Whether the block that a signature made is in the DAG: known without what it costs to name it. Cost: blocks of its tick. */
  holds({ setNumber, seat, tick, signature }: BlockFacts): boolean {
    return this.#context.dag
      .entriesOfTick(tick)
      .some(
        ({ block }) => block.signature === signature && block.seat === seat && block.setNumber === setNumber,
      );
  }

  /** How GHOSTDAG sees a block that it holds. */
  colouring(id: string): BlockColouring {
    return this.#context.dag.colouring(id);
  }

  /** Whether an accepted transaction waits, and in which block. */
  placeOf(transaction: string): { readonly place: PoolPlace | undefined } | undefined {
    return this.#context.pool.placeOf(transaction);
  }

  /** Of those that were announced as waiting here, the ones that still do. */
  announcedTransactions(shortIds: readonly string[]): OrderedTransaction[] {
    return shortIds.flatMap((shortId) => this.#context.pool.find(shortId) ?? []);
  }

  /** Transactions accepted and not ordered. */
  get pooled(): number {
    return this.#context.pool.size;
  }

  /**
   * Begins, or goes on after a crash with what the log holds, in its order, a base first. Heights up to `executedHeight`
   * are executed and on disk: of the last ones the states are asked for, without transactions.
   */
  start(log: Iterable<LogEntry>, nowMs: number, executedHeight = 0): NodeOutput[] {
    const context = this.#context;
    context.nowMs = nowMs;
    this.#executedBefore = executedHeight;
    for (const entry of log) {
      this.#replay(entry);
      this.#orderReady();
      this.#release();
    }
    this.#finality.enterHeight();
    context.timer({ kind: "tick" }, 0);
    context.timer({ kind: "gossip" }, 0);
    return context.takeOutputs();
  }

  /** Takes an input in at a time; times do not go back. Malformed packets are the transport's to drop. */
  handle(input: NodeInput, nowMs: number): NodeOutput[] {
    this.#context.nowMs = nowMs;
    if (input.kind === "packet") this.#receive(input.from, input.packet);
    else if (input.kind === "transactions") this.#accept(input.transactions);
    else if (input.kind === "pooled") this.#takeFromMempool(input.transactions, input.isOwn);
    else if (input.kind === "heard") this.#transactions.heard(input.shortIds);
    else if (input.kind === "dropped") for (const id of input.ids) this.#context.pool.remove(id);
    else if (input.kind === "executed") this.#onExecuted(input.height, input.result);
    else if (input.timer.kind === "tick") this.#tick();
    else if (input.timer.kind === "gossip") this.#gossip();
    else if (input.timer.kind === "pull") this.#pull();
    else this.#finality.timeout(input.timer);
    this.#release();
    return this.#context.takeOutputs();
  }

  #replay(entry: LogEntry): void {
    const { chain, pool, past } = this.#context;
    if (entry.kind === "safety") past.spoke(entry.record, entry.parentProofs ?? []);
    else if (entry.kind === "abstention") past.abstain(entry.abstention);
    else if (entry.kind === "decision") {
      if (entry.decision.checkpoint.height !== chain.height) return;
      chain.append(entry.decision);
      this.#blocks.decided(chain.tick);
    } else if (entry.kind === "block") this.#blocks.restore(entry.block, entry.colouring);
    else if (entry.kind === "order") this.#loggedOrder = Math.max(this.#loggedOrder, entry.height);
    else if (entry.kind === "base") this.#resume(entry.base);
    else if (entry.kind === "transactions")
      for (const transaction of entry.transactions) {
        this.#accepted.add(transaction.id);
        pool.add(transaction);
      }
  }

  #resume(base: ChainBase): void {
    const { chain, dag } = this.#context;
    dag.resume(base.root);
    chain.resume(base);
    this.#context.orderedHeight = Math.max(0, base.height - 1);
    this.#loggedOrder = base.height;
    this.#baseHeight = base.height;
  }

  #receive(from: string, packet: Packet): void {
    this.#context.heard(from);
    if (packet.kind === "vote") this.#finality.receive(from, packet);
    else if (BRINGS_PROGRESS.has(packet.kind)) this.#takeIn(from, packet);
    else if (packet.kind === "want") this.#blocks.answer(from, packet.ids);
    else if (packet.kind === "want-transactions") this.#blocks.answerTransactions(from, packet);
    else if (packet.kind === "announce") this.#transactions.announced(from, packet.shortIds);
    else if (packet.kind === "want-announced") this.#transactions.answer(from, packet.shortIds);
    else if (packet.kind === "transactions") this.#pool(packet.transactions);
    else if (packet.kind === "range") this.#answerRange(from, packet.fromHeight);
    else if (packet.kind === "status") this.#answerStatus(from, packet.height, packet.tips);
  }

  /** Heights that are known and ordered. */
  get #progress(): number {
    return this.#context.chain.height + this.#context.orderedHeight;
  }

  #takeIn(from: string, packet: Packet): void {
    const before = this.#progress;
    if (packet.kind === "block") this.#blocks.receive(from, packet.block);
    else if (packet.kind === "compact-block") this.#blocks.receiveCompact(from, packet.block);
    else if (packet.kind === "block-transactions") this.#blocks.receiveTransactions(from, packet);
    else if (packet.kind === "decision") this.#finality.adopt(from, packet.decision);
    if (this.#progress > before) this.#ranges.brought(from);
  }

  #tick(): void {
    const block = makeBlock(this.#context);
    if (block === undefined) return;
    // `onBlocks` writes it down before it is sent.
    this.#blocks.add(block);
    if (this.#context.dag.has(blockId(block))) this.#blocks.spread(block);
  }

  #onBlocks(blocks: readonly DagBlock[]): void {
    const { pool } = this.#context;
    for (const block of blocks) {
      const id = blockId(block);
      this.#context.persist({ kind: "block", block, colouring: this.#context.dag.colouring(id) });
      const place = { block: id, tick: block.tick };
      for (const { id } of block.transactions) pool.sawInBlock(id, place);
    }
    this.#orderReady();
    this.#finality.recheck();
  }

  #onDecided(decision: Decision, isOwn: boolean): void {
    this.#context.persist({ kind: "decision", decision });
    this.#context.chain.append(decision);
    this.#blocks.decided(this.#context.chain.tick);
    this.#orderReady();
    this.#finality.enterHeight();
    if (isOwn) this.#context.broadcast({ kind: "decision", decision });
  }

  /** Hands what is decided and complete to execution. */
  #orderReady(): void {
    const { chain, dag, settings, pool } = this.#context;
    for (;;) {
      const decision = chain.decision(this.#context.orderedHeight + 1);
      if (decision === undefined) return;
      const { checkpoint } = decision;
      const { height, tip } = checkpoint;
      const since = chain.tipOf(this.#context.orderedHeight);
      const isBase = height <= this.#baseHeight;
      if (!isBase && !(dag.has(tip) && dag.has(since))) return;
      const ids = isBase ? [] : dag.idsSince(since, tip, settings.chain.maxBlocksPerCheckpoint);
      if (height > this.#loggedOrder) this.#context.persist({ kind: "order", height, blocks: ids });
      const blocks = ids.flatMap((id) => this.#orderedBlock(id, height));
      for (const { transactions } of blocks)
        for (const { id } of transactions) {
          pool.remove(id);
          if (height > this.#executedBefore) this.#unexecuted.set(id, height);
        }
      this.#context.orderedHeight += 1;
      if (height > this.#executedBefore) {
        const transactions = settings.ordering.order(blocks);
        this.#context.emit({ kind: "execute", height, checkpoint, transactions });
      } else if (height > this.#executedBefore - STATES_BEFORE)
        this.#context.emit({ kind: "execute", height, checkpoint, transactions: [] });
    }
  }

  /** To execute less than what is ordered would be another history. */
  #orderedBlock(id: string, height: number): readonly DagBlock[] {
    const block = this.#context.dag.block(id);
    if (block !== undefined) return [block];
    if (height <= this.#executedBefore) return [];
    throw new Error(`The transactions of block ${id}, which height ${height} orders, are not held.`);
  }

  /** Lets the oldest blocks' transactions go, which the log has. */
  #release(): void {
    const { dag, settings } = this.#context;
    dag.releaseDownTo(settings.maxHeldBytes);
  }

  #onExecuted(height: number, result: ExecutionResult): void {
    this.#context.chain.setResult(height, result);
    for (const [id, at] of this.#unexecuted) if (at <= height) this.#unexecuted.delete(id);
    this.#finality.recheck();
    this.#prune();
  }

  /** Forgets what is too old to matter to any later block or vote, in memory and in the log. */
  #prune(): void {
    const context = this.#context;
    const { dag, pool } = context;
    if (!isPruningDue(context, this.#sizeAfterPruning)) return;
    const settled =
      Math.min(context.orderedHeight, context.chain.executedHeight) - context.settings.unprunedHeights;
    // Decisions may be held from before the base, whose tips are not in the DAG any more.
    if (settled < Math.max(context.chain.firstHeight, this.#baseHeight)) return;
    const base = baseAt(context, settled);
    const gone = dag.prune(base.root);
    this.#sizeAfterPruning = dag.size;
    if (gone.length === 0) return;
    context.chain.prune(base.firstDecision);
    const accepted = [...this.#accepted].flatMap((id) => pool.get(id) ?? []);
    this.#accepted = new Set(accepted.map(({ id }) => id));
    context.persist({ kind: "base", base, gone, accepted });
  }

  /** From users: durable before it is acknowledged, and passed on. */
  #accept(transactions: readonly OrderedTransaction[]): void {
    const accepted: OrderedTransaction[] = [];
    for (const transaction of transactions) {
      const added = this.#context.pool.add(transaction);
      if (added === "full") this.#context.emit({ kind: "rejected", transaction, reason: "pool-full" });
      else accepted.push(transaction);
    }
    if (accepted.length === 0) return;
    this.#context.persist({ kind: "transactions", transactions: accepted });
    for (const { id } of accepted) this.#accepted.add(id);
    this.#context.emit({ kind: "accepted", transactions: accepted });
    this.#transactions.spread(accepted);
  }

  #takeFromMempool(transactions: readonly OrderedTransaction[], isOwn: boolean): void {
    const taken: OrderedTransaction[] = [];
    for (const transaction of transactions) {
      // A mempool that is behind has it still: only what execution left for later is to be ordered again.
      if (this.#unexecuted.has(transaction.id)) continue;
      const added = this.#context.pool.putBack(transaction);
      if (added === "full") this.#context.emit({ kind: "rejected", transaction, reason: "pool-full" });
      else if (added === "added") taken.push(transaction);
    }
    this.#transactions.heard(transactions.map(({ id }) => shortIdOf(id)));
    if (isOwn) this.#transactions.spread(taken);
  }

  #pool(transactions: readonly OrderedTransaction[]): void {
    const some = transactions.slice(0, MAX_TRANSACTIONS_IN_PACKET);
    for (const transaction of some) this.#context.pool.add(transaction);
    this.#transactions.heard(some.map(({ id }) => shortIdOf(id)));
  }

  #gossip(): void {
    const context = this.#context;
    const { chain, dag, settings } = context;
    this.#finality.gossip();
    context.broadcast({ kind: "status", height: chain.height, tips: dag.tips.slice(0, 8) });
    const next = chain.decision(this.#context.orderedHeight + 1);
    if (next !== undefined) this.#blocks.wantFirst(dag.missingFor(next.checkpoint.tip));
    this.#blocks.want(this.#finality.wantedTips, undefined);
    this.#blocks.wantMissing();
    this.#transactions.repeat();
    context.timer({ kind: "gossip" }, settings.gossipMs);
  }

  #pull(): void {
    this.#context.awaitedAnswers();
    this.#blocks.pull();
    this.#transactions.pull();
  }

  #answerStatus(from: string, height: number, tips: readonly string[]): void {
    const { chain } = this.#context;
    this.#ranges.answered(from, this.#context.nowMs);
    // Decisions may have come without the blocks that they order.
    const reached = Math.min(chain.height, this.#context.orderedHeight + 1);
    if (height > reached + FAR_BEHIND) {
      this.#askForRange(from);
      return;
    }
    this.#blocks.ask(tips, from);
    for (let behind = height; behind < Math.min(chain.height, height + DECISIONS_AT_ONCE); behind++) {
      const decision = this.decision(behind);
      if (decision !== undefined) this.#context.send(from, { kind: "decision", decision });
    }
  }

  /** The blocks that a height ordered; undefined where not all of them are there any more. */
  #blocksOf(height: number): readonly DagBlock[] | undefined {
    const { chain, dag, settings } = this.#context;
    const { history } = settings;
    const since = chain.tipOf(height - 1);
    const tip = chain.decision(height)?.checkpoint.tip;
    const ids =
      tip !== undefined && dag.has(since) && dag.has(tip)
        ? dag.idsSince(since, tip, settings.chain.maxBlocksPerCheckpoint)
        : history.order(height);
    const blocks = ids?.map((id) => dag.block(id) ?? history.block(id));
    return blocks?.every((block) => block !== undefined) === true ? blocks : undefined;
  }

  #askForRange(peer: string): void {
    if (!this.#ranges.mayAsk(peer, this.#context.nowMs)) return;
    this.#context.send(peer, { kind: "range", fromHeight: this.#context.orderedHeight + 1 });
  }

  /** Decisions with their blocks, ancestors first, so that each can be taken in as it comes; then where this node is. */
  #answerRange(from: string, fromHeight: number): void {
    const { chain, dag } = this.#context;
    let bytes = 0;
    const end = Math.min(fromHeight + RANGE_HEIGHTS, this.#context.orderedHeight + 1);
    for (let height = fromHeight; height < end && bytes < RANGE_BYTES; height++) {
      if (!this.#budget.isLeft(from, this.#context.nowMs)) {
        this.#context.refuse(from, "over-budget");
        break;
      }
      const before = bytes;
      const decision = this.decision(height);
      const blocks = this.#blocksOf(height);
      if (decision === undefined || blocks === undefined) break;
      for (const block of blocks) {
        bytes += block.transactions.reduce((sum, { payload }) => sum + payload.length, BLOCK_OVERHEAD_BYTES);
        this.#context.send(from, { kind: "block", block });
      }
      this.#context.send(from, { kind: "decision", decision });
      this.#budget.spend(from, bytes - before, this.#context.nowMs);
    }
    this.#context.send(from, { kind: "status", height: chain.height, tips: dag.tips.slice(0, 8) });
  }
}
