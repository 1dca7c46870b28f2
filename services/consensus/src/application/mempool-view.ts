import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { PooledTransaction, StateStore } from "../domain/ports.js";
import type { SignedTransaction } from "../domain/transaction.js";
import type { PoolContent, WaitingTransactions } from "../domain/waiting-transactions.js";
import { readState } from "../domain/with-state.js";
import type { ChainView } from "./chain-view.js";
import type { Mempool } from "./mempool.js";

/** The mempool as users see it, in the thread that it belongs to. */
export class MempoolView implements WaitingTransactions {
  constructor(
    private readonly mempool: Mempool,
    private readonly chain: Pick<ChainView, "head" | "nextBaseFee">,
    private readonly states: Pick<StateStore, "snapshot">,
  ) {}

  async get(hash: Bytes32): Promise<SignedTransaction | undefined> {
    return this.mempool.pool.get(hash)?.transaction;
  }

  async nextNonce(sender: Address): Promise<bigint> {
    const { stateRoot } = this.chain.head();
    const nonce = readState(this.states, stateRoot, (view) => view.account(sender)?.nonce ?? 0n);
    return this.mempool.pool.nextNonce(sender, nonce);
  }

  async counts(): Promise<{ readonly pending: number; readonly queued: number }> {
    const pending = [...this.#executable().values()].reduce((sum, { length }) => sum + length, 0);
    return { pending, queued: this.mempool.pool.size - pending };
  }

  async content(sender?: Address): Promise<PoolContent> {
    const executable = this.#executable();
    const [pending, queued]: [SignedTransaction[], SignedTransaction[]] = [[], []];
    for (const [owner, all] of this.mempool.pool.content()) {
      if (sender !== undefined && owner !== sender) continue;
      const running = executable.get(owner)?.length ?? 0;
      for (const [index, { transaction }] of all.entries())
        (index < running ? pending : queued).push(transaction);
    }
    return { pending, queued };
  }

  #executable(): ReadonlyMap<Address, readonly PooledTransaction[]> {
    return this.mempool.pool.executable(this.chain.nextBaseFee());
  }
}
