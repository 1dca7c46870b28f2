import { encodeTransaction } from "@aios/core-transactions/encode-transaction";
import { transactionHash } from "@aios/core-transactions/sender";
import type { CallRequest } from "./ports.js";
import type { SignedTransaction, TransactionType } from "./transaction.js";

interface Unsigned extends CallRequest {
  readonly type: TransactionType;
  readonly nonce: bigint;
  readonly chainId: number;
}

/**
 * A transaction whose signature is zero, as simulated blocks hold them. The sender is taken from the request;
 * `minimumGas` is not known and 0.
 */
export function unsignedTransaction(request: Unsigned): SignedTransaction {
  const { type, nonce, to, value, gasLimit, data, accessList, authorizationList } = request;
  const fields = {
    type,
    nonce,
    to,
    value,
    gasLimit,
    data,
    accessList,
    authorizationList,
    chainId: type === 0 ? undefined : BigInt(request.chainId),
    maxFeePerGas: request.maxFeePerGas,
    maxPriorityFeePerGas: type < 2 ? request.maxFeePerGas : request.maxPriorityFeePerGas,
    maxFeePerBlobGas: request.maxFeePerBlobGas ?? 0n,
    blobVersionedHashes: request.blobVersionedHashes ?? [],
    signature: { v: 0n, r: 0n, s: 0n },
  };
  const raw = encodeTransaction(fields);
  return { ...fields, raw, hash: transactionHash({ raw }), sender: request.from, minimumGas: 0n };
}
