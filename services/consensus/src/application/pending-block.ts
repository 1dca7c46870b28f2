import type { Clock } from "@aios/kernel/clock";
import type { ArrivalOrder } from "../domain/arrival-order.js";
import { corruptStore } from "../domain/errors.js";
import { nextBaseFee } from "../domain/fees.js";
import type { Genesis } from "../domain/genesis.js";
import type { Beacon, BlockStore, ExecutedBlock, ExecutionEngine } from "../domain/ports.js";
import type { Mempool } from "./mempool.js";

interface Cached {
  readonly headHash: string;
  readonly revision: number;
  readonly block: Promise<ExecutedBlock>;
}

/** Optimistic execution of what waits, on the latest state. Kept until the head or the pool changes. */
export class PendingBlock {
  #cached: Cached | undefined;

  constructor(
    private readonly genesis: Genesis,
    private readonly engine: ExecutionEngine,
    private readonly blocks: BlockStore,
    private readonly mempool: Mempool,
    private readonly ordering: ArrivalOrder,
    private readonly beacon: Beacon,
    private readonly clock: Clock,
    /** Waiting transactions beyond this many are not looked at. */
    private readonly maxTransactions: number,
  ) {}

  current(): Promise<ExecutedBlock> {
    const head = this.blocks.head();
    if (head === undefined) throw corruptStore("genesis is missing");
    const { revision } = this.mempool.pool;
    if (this.#cached?.headHash === head.hash && this.#cached.revision === revision) return this.#cached.block;
    const baseFee = nextBaseFee(head, this.genesis.minimumBaseFeePerGas);
    const transactions = this.ordering
      .order(this.mempool.pool.executable(baseFee))
      .slice(0, this.maxTransactions);
    const timestamp = Math.floor(this.clock.now() / 1_000);
    const block = this.beacon
      .valueAfter(head)
      .then((prevRandao) => this.engine.executeBlock({ parent: head, timestamp, prevRandao, transactions }));
    const cached = { headHash: head.hash, revision, block };
    this.#cached = cached;
    block.catch(() => {
      if (this.#cached === cached) this.#cached = undefined;
    });
    return block;
  }
}
