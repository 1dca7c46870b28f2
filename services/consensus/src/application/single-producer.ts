import type { Clock } from "@aios/kernel/clock";
import { durationMs } from "@aios/kernel/units";
import { crashPoint } from "@aios/service-kit/crash-point";
import type { ArrivalOrder } from "../domain/arrival-order.js";
import type { BlockHeader } from "../domain/block.js";
import { finalizedHeight } from "../domain/block-tag.js";
import { corruptStore } from "../domain/errors.js";
import { nextBaseFee } from "../domain/fees.js";
import type { Genesis } from "../domain/genesis.js";
import type {
  Beacon,
  BlockStore,
  CheckpointProducer,
  ExecutedBlock,
  ExecutionEngine,
} from "../domain/ports.js";
import type { SignedTransaction } from "../domain/transaction.js";
import type { ChainEvents } from "./chain-events.js";
import type { Mempool } from "./mempool.js";

export interface ProducerSettings {
  /** Least time from one checkpoint with transactions to the next checkpoint. */
  readonly minIntervalMs: number;
  readonly maxTransactionsPerBlock: number;
  /** Pause after a failed attempt, doubled each time up to 32 times. */
  readonly retryMs: number;
}

export interface ProducerObserver {
  produced(block: ExecutedBlock, durationMs: number): void;
  failed(error: unknown, attempt: number): void;
}

/**
 * One node makes every checkpoint, as soon as transactions wait and the interval allows. After a checkpoint with
 * transactions an empty one follows, because only a later checkpoint attests a root; then the chain rests, so an idle
 * chain takes no disk.
 */
export class SingleProducer implements CheckpointProducer {
  #running = false;
  #loop: Promise<void> = Promise.resolve();
  #signal: () => void = () => {};
  #signalled = false;
  #lastAtMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  readonly #stop = new AbortController();

  constructor(
    private readonly genesis: Genesis,
    private readonly engine: ExecutionEngine,
    private readonly blocks: BlockStore,
    private readonly mempool: Mempool,
    private readonly ordering: ArrivalOrder,
    private readonly beacon: Beacon,
    private readonly events: ChainEvents,
    private readonly clock: Clock,
    private readonly settings: ProducerSettings,
    private readonly observer: ProducerObserver,
  ) {}

  latest(): BlockHeader {
    const head = this.blocks.head();
    if (head === undefined) throw corruptStore("genesis is missing");
    return head;
  }

  finalizedHeight(): number {
    return finalizedHeight(this.latest().number);
  }

  /** Consecutive failures to make a checkpoint; 0 when healthy. */
  get failures(): number {
    return this.#failures;
  }

  wake(): void {
    this.#signalled = true;
    this.#signal();
  }

  start(): Promise<void> {
    if (!this.#running) {
      this.#running = true;
      this.#loop = this.#run();
    }
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#stop.abort(new Error("stopping"));
    this.wake();
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (this.#running) {
      if (!this.#hasWork()) {
        await this.#nextSignal();
        continue;
      }
      const waitMs = this.#lastAtMs + this.settings.minIntervalMs - this.clock.now();
      if (waitMs > 0) await this.#pause(waitMs);
      if (this.#running) await this.#attempt();
    }
  }

  #hasWork(): boolean {
    const head = this.latest();
    if (this.#needsFollowUp(head)) return true;
    return this.mempool.pool.hasExecutable(nextBaseFee(head, this.genesis.minimumBaseFeePerGas));
  }

  #needsFollowUp(head: BlockHeader): boolean {
    return head.gasUsed > 0n;
  }

  async #attempt(): Promise<void> {
    try {
      await this.#produce();
      this.#failures = 0;
    } catch (error) {
      // Whoever it waited for gave up because this stops.
      if (this.#stop.signal.aborted && error === this.#stop.signal.reason) return;
      this.#failures++;
      this.observer.failed(error, this.#failures);
      await this.#pause(this.settings.retryMs * 2 ** Math.min(this.#failures - 1, 5));
    }
  }

  async #produce(): Promise<void> {
    const startedAt = this.clock.now();
    const parent = this.latest();
    const transactions = this.#select(parent);
    // The empty checkpoint that makes its parent final delays nobody's transaction.
    if (transactions.length > 0) this.#lastAtMs = startedAt;
    const block = await this.engine.executeBlock({
      parent,
      timestamp: Math.floor(startedAt / 1_000),
      prevRandao: await this.beacon.valueAfter(parent, this.#stop.signal),
      transactions,
    });
    if (block.transactions.length > 0 || this.#needsFollowUp(parent)) {
      crashPoint("consensus.checkpoint.before-store");
      await this.blocks.append(block);
      crashPoint("consensus.checkpoint.after-store");
      this.events.emit("stored", block.header);
      await this.mempool.settle(block, block.dropped);
      this.observer.produced(block, this.clock.now() - startedAt);
      this.events.emit("head", block);
    } else {
      await this.mempool.settle({ header: parent, transactions: [], receipts: [] }, block.dropped);
    }
  }

  #select(parent: BlockHeader): SignedTransaction[] {
    const baseFee = nextBaseFee(parent, this.genesis.minimumBaseFeePerGas);
    return this.ordering
      .order(this.mempool.pool.executable(baseFee))
      .slice(0, this.settings.maxTransactionsPerBlock);
  }

  async #pause(waitMs: number): Promise<void> {
    try {
      await this.clock.wait(durationMs(Math.ceil(waitMs)), this.#stop.signal);
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    }
  }

  #nextSignal(): Promise<void> {
    if (this.#signalled) {
      this.#signalled = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#signal = () => {
        this.#signalled = false;
        resolve();
      };
    });
  }
}
