import type { Address } from "@aios/kernel/identifiers";
import type { ChainView } from "../../../application/chain-view.js";
import type { FeeOracle } from "../../../application/fee-oracle.js";
import type { Mempool } from "../../../application/mempool.js";
import type { PooledTransaction } from "../../../domain/ports.js";
import { formatTransaction, hexNumber, type RpcValue } from "../format.js";
import type { RpcMethod, RpcMethods, RpcParameters } from "../method.js";
import { addressParam, blockSelector, data, smallNumber } from "../parameters.js";
import { invalidParams, RpcError } from "../rpc-error.js";

const MAX_PERCENTILES = 100;

function percentilesOf(value: unknown): number[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > MAX_PERCENTILES)
    throw invalidParams(`rewardPercentiles must be a list of at most ${MAX_PERCENTILES}`);
  let least = 0;
  return value.map((item: unknown) => {
    if (typeof item !== "number" || !(item >= least && item <= 100))
      throw invalidParams("rewardPercentiles must rise from 0 to 100");
    least = item;
    return item;
  });
}

function sending(mempool: Pick<Mempool, "submit" | "submitAll">): RpcMethod {
  const many = async (all: readonly RpcParameters[]): Promise<readonly (RpcValue | Error)[]> => {
    const out: (RpcValue | Error)[] = [];
    const raws: Uint8Array[] = [];
    for (const [raw] of all) {
      try {
        raws.push(data(raw, "transaction"));
        out.push(null);
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        out.push(error);
      }
    }
    const outcomes = await mempool.submitAll(raws);
    let next = 0;
    for (let index = 0; index < out.length; index++)
      if (out[index] === null) out[index] = outcomes[next++] ?? null;
    return out;
  };
  return Object.assign(async ([raw]: RpcParameters) => await mempool.submit(data(raw, "transaction")), {
    many,
  });
}

/** Sending, fees, and what waits. */
export function transactionMethods(chain: ChainView, mempool: Mempool, fees: FeeOracle): RpcMethods {
  const bySender = (keep: "pending" | "queued"): { [sender: string]: readonly PooledTransaction[] } => {
    const executable = mempool.pool.executable(chain.nextBaseFee());
    const out: { [sender: string]: readonly PooledTransaction[] } = {};
    for (const [sender, all] of mempool.pool.content()) {
      const running = executable.get(sender) ?? [];
      const chosen = keep === "pending" ? running : all.slice(running.length);
      if (chosen.length > 0) out[sender] = chosen;
    }
    return out;
  };
  const map = (
    groups: { [sender: string]: readonly PooledTransaction[] },
    show: (entry: PooledTransaction) => RpcValue,
  ): RpcValue =>
    Object.fromEntries(
      Object.entries(groups).map(([sender, entries]) => [
        sender as Address,
        Object.fromEntries(entries.map((entry) => [entry.transaction.nonce.toString(), show(entry)])),
      ]),
    );
  const total = (groups: { [sender: string]: readonly PooledTransaction[] }): string =>
    hexNumber(Object.values(groups).reduce((sum, entries) => sum + entries.length, 0));
  const summary = ({ transaction }: PooledTransaction): string =>
    `${transaction.to ?? "contract creation"}: ${transaction.value} wei + ${transaction.gasLimit} gas × ${transaction.maxFeePerGas} wei`;

  return {
    eth_sendRawTransaction: sending(mempool),
    eth_gasPrice: () => hexNumber(fees.gasPrice()),
    eth_maxPriorityFeePerGas: () => hexNumber(fees.suggestedTip()),
    eth_baseFee: () => hexNumber(chain.nextBaseFee()),
    eth_blobBaseFee: () => hexNumber(chain.nextBlobBaseFee()),
    eth_feeHistory: ([blockCount, newest, percentiles]) => {
      const count = typeof blockCount === "number" ? blockCount : smallNumber(blockCount, "blockCount");
      if (!Number.isInteger(count) || count < 1) throw invalidParams("blockCount must be at least 1");
      const asked = percentilesOf(percentiles);
      const selector = blockSelector(newest, "newestBlock");
      const height = chain.height(selector) ?? (selector.kind === "tag" ? chain.head().number : undefined);
      if (height === undefined) throw invalidParams("newestBlock is beyond the head");
      const history = fees.history(count, height, asked);
      return {
        oldestBlock: hexNumber(history.oldestBlock),
        baseFeePerGas: history.baseFeePerGas.map(hexNumber),
        gasUsedRatio: history.gasUsedRatio,
        baseFeePerBlobGas: history.baseFeePerBlobGas.map(hexNumber),
        blobGasUsedRatio: history.blobGasUsedRatio,
        reward: history.reward?.map((row) => row.map(hexNumber)),
      };
    },
    txpool_status: () => ({ pending: total(bySender("pending")), queued: total(bySender("queued")) }),
    txpool_content: () => {
      const show = (entry: PooledTransaction): RpcValue => formatTransaction(entry.transaction, undefined);
      return { pending: map(bySender("pending"), show), queued: map(bySender("queued"), show) };
    },
    txpool_contentFrom: ([owner]) => {
      const sender = addressParam(owner, "address");
      const own = (groups: { [sender: string]: readonly PooledTransaction[] }): RpcValue =>
        Object.fromEntries(
          (groups[sender] ?? []).map(({ transaction }) => [
            transaction.nonce.toString(),
            formatTransaction(transaction, undefined),
          ]),
        );
      return { pending: own(bySender("pending")), queued: own(bySender("queued")) };
    },
    txpool_inspect: () => ({
      pending: map(bySender("pending"), summary),
      queued: map(bySender("queued"), summary),
    }),
  };
}
