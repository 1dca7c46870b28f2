import type { OrderedTransaction } from "@aios/core-honor-node/dag-block";
import type { Clock } from "@aios/kernel/clock";
import { CodedError } from "@aios/kernel/coded-error";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { durationMs } from "@aios/kernel/units";
import { crashPoint } from "@aios/service-kit/crash-point";
import type { BlockHeader } from "../../domain/block.js";
import { corruptStore, notTheNextBlock } from "../../domain/errors.js";
import { nextBaseFee } from "../../domain/fees.js";
import type { Genesis } from "../../domain/genesis.js";
import type {
  CheckpointToExecute,
  HonorHost,
  ReportedOffence,
  TransactionOpener,
} from "../../domain/honor-ports.js";
import { type NonceOrder, nonceOrder } from "../../domain/nonce-order.js";
import type {
  Beacon,
  BlockStore,
  CheckpointProducer,
  DroppedTransaction,
  ExecutedBlock,
  ExecutionEngine,
  PooledTransaction,
  StateStore,
} from "../../domain/ports.js";
import type { StakedNode, StakedState } from "../../domain/staking-state.js";
import type { SignedTransaction } from "../../domain/transaction.js";
import { readState } from "../../domain/with-state.js";
import type { ChainEvents } from "../chain-events.js";
import type { Mempool } from "../mempool.js";
import type { ProducerObserver } from "../single-producer.js";
import { hashOf, orderedOf } from "./ordered-transaction.js";

/** What the producer tells the protocol. */
export interface HonorProtocol {
  /** Resolves with the port on which it listens to peers. */
  ready(): Promise<number>;
  pooled(transactions: readonly OrderedTransaction[], isOwn: boolean): void;
  dropped(ids: readonly string[]): void;
  executed(height: number, result: StakedState): void;
  stop(): Promise<void>;
}

export interface HonorProducerParts<P extends HonorProtocol> {
  readonly genesis: Genesis;
  readonly engine: Pick<ExecutionEngine, "executeBlock">;
  readonly blocks: BlockStore;
  readonly states: Pick<StateStore, "snapshot">;
  readonly mempool: Mempool;
  readonly events: ChainEvents;
  readonly clock: Clock;
  readonly observer: ProducerObserver & Pick<HonorHost, "offence" | "refused">;
  /** Of a transaction that peers brought. */
  readonly signedOf: (transaction: OrderedTransaction) => SignedTransaction;
  readonly opener: TransactionOpener;
  readonly beacon: Beacon;
  /** Who stands for the honor set in a state. */
  readonly candidates: { at(stateRoot: Bytes32): readonly StakedNode[] };
  /** Opens the protocol, once what it is told can be answered. */
  readonly open: (host: HonorHost) => P;
}

interface Opened {
  readonly opened: readonly SignedTransaction[];
  readonly unopened: readonly DroppedTransaction[];
}

/** Transactions that wait go to the protocol together, so often. */
const FEED_MS = 10;
const RETRY_MS = 250;
const MAX_RETRY_DOUBLINGS = 5;
const NONCE_USED = { code: "nonce-too-low", reason: "nonce too low: it was used before" };

/**
 * The chain grows by what the honor set orders: gives the protocol what the mempool holds ready, executes each ordered
 * checkpoint as one EVM block, and answers with its root, which the next checkpoint attests.
 */
export class HonorProducer<P extends HonorProtocol> implements CheckpointProducer, HonorHost {
  readonly #parts: HonorProducerParts<P>;
  readonly #stop = new AbortController();
  #protocol: P | undefined;
  #work: Promise<void> = Promise.resolve();
  #failures = 0;
  #fatal = false;
  #decidedHeight = 0;
  #peerPort = 0;
  #isReady = false;
  #willFeed = false;
  /** Handed to the protocol and still in the mempool. */
  readonly #fed = new Set<Bytes32>();
  /** Of those in the mempool, the ones that peers brought. */
  readonly #foreign = new Set<Bytes32>();
  /** Whose transactions may be ready that were not; everyone's are looked through only where `#isWhole`. */
  readonly #touched = new Set<Address>();
  #isWhole = true;
  /** By sender, the nonce after those that were handed over in one run, which are not looked at again before the next block. */
  readonly #fedUpTo = new Map<Address, bigint>();
  /** The mempool holds some that could not run when they were looked at last, or that the protocol had no room for. */
  #someWait = false;
  /** Handed over, and not in the mempool any more; in no block either. */
  #gone: string[] = [];

  constructor(parts: HonorProducerParts<P>) {
    this.#parts = parts;
    parts.events.on("admitted", ({ sender }) => this.#touched.add(sender));
    parts.mempool.pool.whenLeft(({ hash, sender }) => {
      this.#fedUpTo.delete(sender);
      this.#foreign.delete(hash);
      if (!this.#fed.delete(hash)) return;
      this.#gone.push(hash.slice(2));
      this.#touched.add(sender);
    });
  }

  latest(): BlockHeader {
    const head = this.#parts.blocks.head();
    if (head === undefined) throw corruptStore("genesis is missing");
    return head;
  }

  finalizedHeight(): number {
    return this.finalizedAt(this.latest().number);
  }

  /** Certificate h attests the root of h − 1. */
  finalizedAt(latestHeight: number): number {
    return Math.max(0, Math.min(latestHeight, this.#decidedHeight - 1));
  }

  get failures(): number {
    return this.#fatal ? Number.POSITIVE_INFINITY : this.#failures;
  }

  /** Where peers reach this node. */
  get peerPort(): number {
    return this.#peerPort;
  }

  get protocol(): P {
    if (this.#protocol === undefined) throw new Error("The producer is not started.");
    return this.#protocol;
  }

  wake(): void {
    if (this.#willFeed || !this.#isReady) return;
    this.#willFeed = true;
    void this.#pause(FEED_MS).then(() => {
      this.#willFeed = false;
      if (!this.#stop.signal.aborted) this.#feed();
    });
  }

  async start(): Promise<void> {
    this.#protocol = this.#parts.open(this);
    this.#peerPort = await this.#protocol.ready();
    this.#isReady = true;
    this.wake();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("stopping"));
    await this.#protocol?.stop();
    await this.#work;
  }

  execute(checkpoint: CheckpointToExecute): void {
    this.#work = this.#work.then(() => this.#untilExecuted(checkpoint));
  }

  gossiped(transactions: readonly OrderedTransaction[]): void {
    for (const transaction of transactions) {
      const { mempool, signedOf } = this.#parts;
      const hash = hashOf(transaction);
      if (mempool.pool.get(hash) !== undefined) continue;
      // Peers that are behind name what is in a block here.
      if (mempool.hasUsed(transaction.sender as Address, transaction.nonce)) continue;
      if (mempool.takeOver(signedOf(transaction))) this.#foreign.add(hash);
    }
  }

  decided(height: number): void {
    this.#decidedHeight = height;
    this.#parts.events.emit("finalized", this.finalizedHeight());
  }

  rejected(ids: readonly string[]): void {
    for (const id of ids) this.#fed.delete(hashOf({ id }));
    this.#fedUpTo.clear();
    this.#someWait = true;
  }

  offence(offence: ReportedOffence): void {
    this.#parts.observer.offence(offence);
  }

  refused(counts: ReadonlyMap<string, number>): void {
    this.#parts.observer.refused(counts);
  }

  logFailed(error: unknown, attempt: number): void {
    this.#failures = attempt;
    this.#parts.observer.failed(error, attempt);
  }

  failed(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    this.#fatal = true;
    this.#parts.observer.failed(error, 1);
  }

  /** Hands over what can run and was not handed over, takes back what the mempool gave up. Cost: of what changed. */
  #feed(): void {
    const own: OrderedTransaction[] = [];
    const foreign: OrderedTransaction[] = [];
    for (const { transaction } of this.#changed()) {
      if (this.#fed.has(transaction.hash)) continue;
      this.#fed.add(transaction.hash);
      (this.#foreign.has(transaction.hash) ? foreign : own).push(orderedOf(transaction));
    }
    const gone = this.#gone;
    this.#gone = [];
    // First: of those that left, some may be back.
    if (gone.length > 0) this.protocol.dropped(gone);
    if (own.length > 0) this.protocol.pooled(own, true);
    if (foreign.length > 0) this.protocol.pooled(foreign, false);
    this.#someWait = this.#parts.mempool.pool.size > this.#fed.size;
  }

  *#changed(): Generator<PooledTransaction> {
    const { mempool, genesis } = this.#parts;
    const { pool } = mempool;
    const baseFee = nextBaseFee(this.latest(), genesis.minimumBaseFeePerGas);
    if (this.#isWhole) for (const run of pool.executable(baseFee).values()) yield* run;
    else
      for (const sender of this.#touched) {
        const run = pool.executableOf(sender, baseFee, this.#fedUpTo.get(sender));
        yield* run;
        const last = run.at(-1)?.transaction.nonce;
        if (last !== undefined) this.#fedUpTo.set(sender, last + 1n);
      }
    this.#isWhole = false;
    this.#touched.clear();
  }

  async #untilExecuted(checkpoint: CheckpointToExecute): Promise<void> {
    for (let attempt = 1; !this.#stop.signal.aborted; attempt++) {
      try {
        await this.#execute(checkpoint);
        this.#failures = 0;
        return;
      } catch (error) {
        // Whoever it waited for gave up because this stops.
        if (this.#stop.signal.aborted && error === this.#stop.signal.reason) return;
        this.#failures = attempt;
        this.#parts.observer.failed(error, attempt);
        await this.#pause(RETRY_MS * 2 ** Math.min(attempt - 1, MAX_RETRY_DOUBLINGS));
      }
    }
  }

  async #execute({ height, timestamp, transactions }: CheckpointToExecute): Promise<void> {
    const { engine, beacon, blocks, mempool, observer, clock, events } = this.#parts;
    const parent = this.latest();
    if (height <= parent.number) {
      this.#answer(this.#header(height));
      return;
    }
    if (height !== parent.number + 1) throw notTheNextBlock(parent.number + 1, height);
    const startedAt = clock.now();
    const { toRun, used } = this.#inOrder(parent, transactions);
    const { opened, unopened } = await this.#open(height, toRun);
    const executed = await engine.executeBlock({
      parent,
      timestamp: Math.max(timestamp, parent.timestamp),
      prevRandao: await beacon.valueAfter(parent, this.#stop.signal),
      transactions: opened,
    });
    const block = { ...executed, dropped: [...executed.dropped, ...unopened, ...this.#reportOf(used)] };
    crashPoint("consensus.checkpoint.before-store");
    await blocks.append(block);
    crashPoint("consensus.checkpoint.after-store");
    events.emit("stored", block.header);
    this.#answer(block.header);
    // Another base fee decides anew what can run.
    this.#fedUpTo.clear();
    this.#settle(block);
    await mempool.settle(block, block.dropped);
    // Another base fee, or room in the protocol's pool, may let run what could not.
    this.#isWhole ||= this.#someWait;
    observer.produced(block, clock.now() - startedAt);
    events.emit("head", block);
    this.wake();
  }

  /** In the order that the rules give them, in the parent's state. */
  #inOrder(parent: BlockHeader, ordered: readonly OrderedTransaction[]): NonceOrder<OrderedTransaction> {
    return readState(this.#parts.states, parent.stateRoot, (view) =>
      nonceOrder(ordered, (sender) => view.account(sender as Address)?.nonce ?? 0n),
    );
  }

  async #open(height: number, ordered: readonly OrderedTransaction[]): Promise<Opened> {
    const opened: SignedTransaction[] = [];
    const unopened: DroppedTransaction[] = [];
    const answers = await this.#parts.opener.open(height, ordered, this.#stop.signal);
    for (const [index, one] of ordered.entries()) {
      const answer = answers[index];
      if (answer === undefined) throw new Error(`the opener says nothing of transaction ${one.id}`);
      if (answer instanceof CodedError)
        unopened.push({ hash: hashOf(one), code: answer.code, reason: answer.message });
      else opened.push(answer);
    }
    return { opened, unopened };
  }

  /** What is in a block already is not dropped, where this node still knows of it. */
  #reportOf(used: readonly OrderedTransaction[]): DroppedTransaction[] {
    const gone = used.filter((one) => this.#parts.blocks.placeOf(hashOf(one)) === undefined);
    return gone.map((one) => ({ hash: hashOf(one), ...NONCE_USED }));
  }

  /** What came too early, or did not fit, is handed over again when it can run. */
  #settle(block: ExecutedBlock): void {
    // Of one that others handed over, a transaction that waited behind it here may run now.
    for (const { hash, sender } of block.transactions) if (!this.#fed.delete(hash)) this.#touched.add(sender);
    for (const { hash } of block.dropped) this.#fed.delete(hash);
    for (const { hash, sender } of block.deferred) {
      this.#fed.delete(hash);
      this.#touched.add(sender);
    }
  }

  #header(height: number): BlockHeader {
    const header = this.#parts.blocks.header(height);
    if (header === undefined) throw corruptStore(`block ${height} is missing`);
    return header;
  }

  /** Who stands in an older state is decided already. */
  #answer({ number, stateRoot }: BlockHeader): void {
    const candidates = number < this.latest().number ? [] : this.#parts.candidates.at(stateRoot);
    this.protocol.executed(number, { root: stateRoot.slice(2), candidates });
  }

  async #pause(waitMs: number): Promise<void> {
    const { signal } = this.#stop;
    await this.#parts.clock.wait(durationMs(waitMs), signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}
