import type { Admission } from "../../../application/admission.js";
import type { ChainView } from "../../../application/chain-view.js";
import type { FeeOracle } from "../../../application/fee-oracle.js";
import type { SignedTransaction } from "../../../domain/transaction.js";
import type { WaitingTransactions } from "../../../domain/waiting-transactions.js";
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

function sending(admission: Pick<Admission, "submitAll">): RpcMethod {
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
    const outcomes = raws.length === 0 ? [] : await admission.submitAll(raws);
    let next = 0;
    for (let index = 0; index < out.length; index++)
      if (out[index] === null) out[index] = outcomes[next++] ?? null;
    return out;
  };
  const one = async ([raw]: RpcParameters): Promise<RpcValue> => {
    const [outcome = null] = await admission.submitAll([data(raw, "transaction")]);
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
  return Object.assign(one, { many });
}

/** Sending, fees, and what waits. */
export function transactionMethods(
  chain: ChainView,
  pool: WaitingTransactions,
  admission: Pick<Admission, "submitAll">,
  fees: FeeOracle,
): RpcMethods {
  const map = (
    transactions: readonly SignedTransaction[],
    show: (transaction: SignedTransaction) => RpcValue,
  ): RpcValue => {
    const out: { [sender: string]: { [nonce: string]: RpcValue } } = {};
    for (const transaction of transactions) {
      const own = out[transaction.sender] ?? {};
      own[transaction.nonce.toString()] = show(transaction);
      out[transaction.sender] = own;
    }
    return out;
  };
  const whole = (transaction: SignedTransaction): RpcValue => formatTransaction(transaction, undefined);
  const summary = (transaction: SignedTransaction): string =>
    `${transaction.to ?? "contract creation"}: ${transaction.value} wei + ${transaction.gasLimit} gas × ${transaction.maxFeePerGas} wei`;

  return {
    eth_sendRawTransaction: sending(admission),
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
    txpool_status: async () => {
      const { pending, queued } = await pool.counts();
      return { pending: hexNumber(pending), queued: hexNumber(queued) };
    },
    txpool_content: async () => {
      const { pending, queued } = await pool.content();
      return { pending: map(pending, whole), queued: map(queued, whole) };
    },
    txpool_contentFrom: async ([owner]) => {
      const sender = addressParam(owner, "address");
      const { pending, queued } = await pool.content(sender);
      const own = (all: readonly SignedTransaction[]): RpcValue =>
        Object.fromEntries(all.map((transaction) => [transaction.nonce.toString(), whole(transaction)]));
      return { pending: own(pending), queued: own(queued) };
    },
    txpool_inspect: async () => {
      const { pending, queued } = await pool.content();
      return { pending: map(pending, summary), queued: map(queued, summary) };
    },
  };
}
