import type { BlockHeader } from "../domain/block.js";
import type { BlockStore } from "../domain/ports.js";
import type { ChainEvents } from "./chain-events.js";
import type { ChainView } from "./chain-view.js";
import type { Mempool } from "./mempool.js";

export interface Checkpoint {
  readonly header: BlockHeader;
  readonly finalizedHeight: number;
  readonly transactionCount: number;
}

/** The platform's view of the chain. */
export class ConsensusStatus {
  constructor(
    private readonly chain: ChainView,
    private readonly blocks: BlockStore,
    private readonly mempool: Mempool,
    private readonly events: ChainEvents,
  ) {}

  head(): BlockHeader {
    return this.chain.head();
  }

  finalizedHeight(): number {
    return this.chain.finalizedHeight();
  }

  get chainId(): number {
    return this.chain.genesis.chainId;
  }

  get pendingTransactions(): number {
    return this.mempool.pool.size;
  }

  /**
   * The head at once, then every later checkpoint in order, without gaps, until the signal aborts. A slow reader
   * costs no memory: what it has not taken is read from the store when it asks.
   */
  async *checkpoints(signal: AbortSignal): AsyncIterable<Checkpoint> {
    let next = this.head().number;
    let wake: () => void = () => {};
    const stopListening = this.events.on("head", () => wake());
    const onAbort = (): void => wake();
    signal.addEventListener("abort", onAbort);
    try {
      while (!signal.aborted) {
        const head = this.head().number;
        if (next <= head) {
          const header = this.blocks.header(next);
          const transactionCount = this.blocks.transactionCount(next);
          if (header === undefined || transactionCount === undefined) return;
          next++;
          yield { header, finalizedHeight: this.chain.finalizedHeight(), transactionCount };
          continue;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (signal.aborted || this.head().number >= next) resolve();
        });
      }
    } finally {
      stopListening();
      signal.removeEventListener("abort", onAbort);
    }
  }
}
