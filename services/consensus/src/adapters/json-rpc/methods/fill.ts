import { toHex } from "@aios/core-rlp/hex";
import type { CallContract } from "../../../application/call-contract.js";
import type { ChainView } from "../../../application/chain-view.js";
import type { FeeOracle } from "../../../application/fee-oracle.js";
import { unsignedTransaction } from "../../../domain/unsigned-transaction.js";
import type { WaitingTransactions } from "../../../domain/waiting-transactions.js";
import { formatTransaction, type RpcValue } from "../format.js";
import type { RpcMethods } from "../method.js";
import { asObject, quantity } from "../parameters.js";
import { invalidParams } from "../rpc-error.js";
import { simulatedCall } from "../simulation-parameters.js";

/** What a signed transaction has and one to be signed does not yet. */
const NOT_YET = ["blockHash", "blockNumber", "blockTimestamp", "transactionIndex", "hash", "from"] as const;
const SIGNATURE = ["v", "r", "s", "yParity"] as const;

/** `eth_fillTransaction`: nonce, gas, fees and chain id, so that a wallet only has to sign. */
export function fillMethods(
  chain: ChainView,
  pool: Pick<WaitingTransactions, "nextNonce">,
  calls: CallContract,
  fees: FeeOracle,
): RpcMethods {
  return {
    eth_fillTransaction: async ([value]): Promise<RpcValue> => {
      const fields = asObject(value, "transaction");
      const call = simulatedCall(fields);
      if (call.type === 3) throw invalidParams("blob transactions are not admitted to this network");
      const chainId = BigInt(chain.genesis.chainId);
      if (fields["chainId"] !== undefined && quantity(fields["chainId"], "chainId") !== chainId)
        throw invalidParams(`chainId must be ${chainId}`);
      const tip =
        fields["maxPriorityFeePerGas"] === undefined ? fees.suggestedTip() : call.maxPriorityFeePerGas;
      const isDynamic = call.type === 2 || call.type === 4;
      const request = {
        ...call,
        chainId: chain.genesis.chainId,
        nonce: call.nonce ?? (await pool.nextNonce(call.from)),
        ...(isDynamic
          ? {
              maxPriorityFeePerGas: tip,
              maxFeePerGas:
                fields["maxFeePerGas"] === undefined ? chain.nextBaseFee() * 2n + tip : call.maxFeePerGas,
            }
          : {}),
      };
      const gasLimit =
        call.gasLimit ??
        (await calls.estimateGas(
          {
            from: call.from,
            ...(call.to === null ? {} : { to: call.to }),
            data: call.data,
            value: call.value,
            accessList: call.accessList,
            authorizationList: call.authorizationList,
          },
          { kind: "tag", tag: "pending" },
          undefined,
        ));
      const transaction = unsignedTransaction({ ...request, gasLimit });
      const shown = formatTransaction(transaction, undefined);
      for (const key of [...NOT_YET, ...SIGNATURE]) delete shown[key];
      return { raw: toHex(transaction.raw), tx: shown };
    },
  };
}
