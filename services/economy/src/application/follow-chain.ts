import type { Clock } from "@aios/kernel/clock";
import type { Address } from "@aios/kernel/identifiers";
import { type DurationMs, durationMs } from "@aios/kernel/units";
import type { BlockPosition, ChainBlock } from "../domain/chain-block.js";
import type { Signer, TransactionFailure } from "../domain/chain-transaction.js";
import type { ChainBlocks, EventReader, IndexStore } from "../domain/ports.js";
import type { TransactionFeed } from "./transaction-feed.js";

const BLOCKS_PER_FETCH = 32n;

export interface FollowerObserver {
  /** After every round: where the index stands against the head. */
  progressed(indexedHeight: bigint, headHeight: bigint, finalizedHeight: bigint): void;
  undone(block: BlockPosition): void;
  problem(message: string, error: unknown): void;
  crashPoint(name: string): void;
}

/**
 * Reads the chain block by block into the index. A block whose parent is not the indexed one means that the chain
 * went another way: the indexed block is taken back by its hash, and again, until the parents match.
 */
export class ChainFollower {
  #headHeight = 0n;
  #nudged = false;
  #wakeUp: (() => void) | undefined;
  #loop: Promise<void> | undefined;
  readonly #abort = new AbortController();
  readonly #pollMs: DurationMs;

  constructor(
    private readonly node: ChainBlocks,
    private readonly contracts: EventReader,
    private readonly signerAddress: (signer: Signer) => Address,
    private readonly index: IndexStore,
    private readonly feed: TransactionFeed,
    private readonly clock: Clock,
    private readonly observer: FollowerObserver,
    private readonly onBlocks: () => void,
    pollMs: number,
  ) {
    this.#pollMs = durationMs(pollMs);
  }

  get headHeight(): bigint {
    return this.#headHeight;
  }

  start(): void {
    this.node.followHeads(() => this.nudge(), this.#abort.signal);
    this.#loop ??= this.#run();
  }

  /** The head may have moved. */
  nudge(): void {
    this.#nudged = true;
    this.#wakeUp?.();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#wakeUp?.();
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      this.#nudged = false;
      try {
        await this.catchUp();
      } catch (error) {
        if (!this.#abort.signal.aborted) this.observer.problem("the index could not follow the chain", error);
      }
      if (!this.#nudged) await this.#pause();
    }
  }

  async #pause(): Promise<void> {
    const waiting = new AbortController();
    this.#wakeUp = () => waiting.abort();
    if (this.#nudged || this.#abort.signal.aborted) waiting.abort();
    await this.clock.wait(this.#pollMs, waiting.signal).catch(() => undefined);
    this.#wakeUp = undefined;
  }

  /** Reads everything up to the head; throws when the node or the database does not answer. */
  async catchUp(): Promise<void> {
    const head = await this.node.head();
    this.#headHeight = head.number;
    let moved = false;
    let grew = false;
    let position = await this.index.position();
    while (!this.#abort.signal.aborted && !isUpToDate(position, head, grew)) {
      const first = position === undefined ? 0n : position.number + 1n;
      const blocks = await this.#nextBlocks(position, first, head.number);
      if (blocks === "fork") {
        if (position === undefined) break;
        position = await this.#undo(position);
        moved = true;
        grew = false;
        continue;
      }
      if (blocks.length === 0) break;
      const finalized = await this.node.finalizedHeight();
      for (const block of blocks) {
        if (position !== undefined && block.parentHash !== position.hash) break;
        await this.#apply(block, finalized);
        position = { number: block.number, hash: block.hash };
        moved = true;
        grew = true;
      }
      if (position !== undefined && position.number > this.#headHeight) this.#headHeight = position.number;
    }
    const finalized = await this.node.finalizedHeight();
    if (position !== undefined) {
      const final = clamp(finalized, -1n, position.number);
      if (final > (await this.index.finalizedHeight())) {
        this.feed.announce(await this.index.finalize(final, this.clock.now()));
      }
      this.observer.progressed(position.number, this.#headHeight, final);
    }
    if (moved) this.onBlocks();
  }

  /** The blocks after the position, or "fork" when the position's block is not on the chain any more. */
  async #nextBlocks(
    position: BlockPosition | undefined,
    first: bigint,
    headNumber: bigint,
  ): Promise<readonly ChainBlock[] | "fork"> {
    const count = Number(clamp(headNumber - first + 1n, 1n, BLOCKS_PER_FETCH));
    const blocks = await this.node.blocks(first, count);
    const next = blocks[0];
    if (position === undefined) return blocks;
    if (next !== undefined) return next.parentHash === position.hash ? blocks : "fork";
    const [same] = await this.node.blocks(position.number, 1);
    return same?.hash === position.hash ? [] : "fork";
  }

  async #apply(block: ChainBlock, finalizedHeight: bigint): Promise<void> {
    const events = this.contracts.eventsOf(block);
    const failures = await this.#failuresIn(block);
    this.observer.crashPoint("economy.index.before-store");
    const moved = await this.index.apply(block, events, failures, finalizedHeight, this.clock.now());
    this.observer.crashPoint("economy.index.after-store");
    this.feed.announce(moved);
  }

  async #failuresIn(block: ChainBlock): Promise<ReadonlyMap<string, TransactionFailure>> {
    const failed = block.receipts
      .filter((receipt) => !receipt.succeeded)
      .map((receipt) => receipt.transactionHash);
    const failures = new Map<string, TransactionFailure>();
    if (failed.length === 0) return failures;
    for (const transaction of await this.index.transactionsOf(failed)) {
      const from = this.signerAddress(transaction.signer);
      const call = { from, to: transaction.to, data: transaction.data, valueWei: transaction.valueWei };
      failures.set(transaction.id, await this.node.explainFailure(call, block.number));
    }
    return failures;
  }

  async #undo(position: BlockPosition): Promise<BlockPosition | undefined> {
    this.observer.crashPoint("economy.undo.before-store");
    this.feed.announce(await this.index.undo(position.hash, this.clock.now()));
    this.observer.crashPoint("economy.undo.after-store");
    this.observer.undone(position);
    return this.index.position();
  }
}

/** The head was read at the start of the round: a position beyond it that this round reached is as good. */
function isUpToDate(position: BlockPosition | undefined, head: BlockPosition, grew: boolean): boolean {
  if (position === undefined) return false;
  if (position.number === head.number) return position.hash === head.hash;
  return position.number > head.number && grew;
}

function clamp(value: bigint, low: bigint, high: bigint): bigint {
  return value < low ? low : value > high ? high : value;
}
