import type { EvmTransaction } from "@aios/core-evm/transaction";
import { fromHex } from "@aios/core-rlp/hex";
import { recoverAuthority } from "@aios/core-transactions/authority";
import type { RecoverPublicKey } from "@aios/core-transactions/sender";
import type { CallRequest } from "../../domain/call-request.js";
import type { Authorization, SignedTransaction } from "../../domain/transaction.js";

function authorizationsOf(list: readonly Authorization[], recover: RecoverPublicKey) {
  if (list.length === 0) return {};
  return {
    authorizations: list.map((entry) => {
      const authority = recoverAuthority(entry, recover);
      return {
        chainId: entry.chainId,
        address: fromHex(entry.address),
        nonce: entry.nonce,
        authority: authority === undefined ? undefined : fromHex(authority),
      };
    }),
  };
}

type Common = Pick<SignedTransaction, "to" | "accessList" | "authorizationList" | "data" | "value"> & {
  readonly gasLimit: bigint;
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
};

function commonFields(transaction: Common, recover: RecoverPublicKey) {
  const { to, gasLimit, value, data, maxFeePerGas, maxPriorityFeePerGas, accessList } = transaction;
  return {
    to: to === null ? undefined : fromHex(to),
    gasLimit,
    value,
    data,
    maxFeePerGas,
    maxPriorityFeePerGas,
    accessList: accessList.map(({ address, storageKeys }) => ({
      address: fromHex(address),
      slots: storageKeys.map(fromHex),
    })),
    ...authorizationsOf(transaction.authorizationList, recover),
  };
}

/** A signed transaction in the engine's form. Recovers the signers of its authorizations. */
export function evmTransaction(transaction: SignedTransaction, recover: RecoverPublicKey): EvmTransaction {
  const { type, sender, nonce, maxFeePerBlobGas, blobVersionedHashes } = transaction;
  return {
    ...commonFields(transaction, recover),
    type,
    from: fromHex(sender),
    nonce,
    ...(type === 3 ? { maxFeePerBlobGas, blobHashes: blobVersionedHashes.map(fromHex) } : {}),
  };
}

/** A message in the engine's form. */
export function evmMessage(request: CallRequest, nonce: bigint, recover: RecoverPublicKey): EvmTransaction {
  const blobHashes = (request.blobVersionedHashes ?? []).map(fromHex);
  const type = blobHashes.length > 0 ? 3 : request.authorizationList.length > 0 ? 4 : 2;
  return {
    ...commonFields(request, recover),
    type,
    from: fromHex(request.from),
    nonce,
    ...(type === 3 ? { maxFeePerBlobGas: request.maxFeePerBlobGas ?? 0n, blobHashes } : {}),
  };
}
