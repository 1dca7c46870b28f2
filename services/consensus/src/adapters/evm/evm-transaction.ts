import type { EvmTransaction } from "@aios/core-evm/transaction";
import { fromHex } from "@aios/core-rlp/hex";
import { recoverAuthority } from "@aios/core-transactions/authority";
import type { RecoverPublicKey } from "@aios/core-transactions/sender";
import type { Address } from "@aios/kernel/identifiers";
import type { CallRequest } from "../../domain/call-request.js";
import type { Authorization, SignedTransaction } from "../../domain/transaction.js";

type Fields = { -readonly [K in keyof EvmTransaction]: EvmTransaction[K] };

type Common = Pick<SignedTransaction, "to" | "accessList" | "authorizationList" | "data" | "value"> & {
  readonly gasLimit: bigint;
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
};

const NO_ENTRIES: EvmTransaction["accessList"] = Object.freeze([]);

function authorizationsOf(
  list: readonly Authorization[],
  recover: RecoverPublicKey,
): NonNullable<EvmTransaction["authorizations"]> {
  return list.map((entry) => {
    const authority = recoverAuthority(entry, recover);
    return {
      chainId: entry.chainId,
      address: fromHex(entry.address),
      nonce: entry.nonce,
      authority: authority === undefined ? undefined : fromHex(authority),
    };
  });
}

/** One object, and nothing for what a transaction lacks: most are plain transfers and calls. */
function fieldsOf(
  from: Address,
  nonce: bigint,
  type: EvmTransaction["type"],
  common: Common,
  recover: RecoverPublicKey,
): Fields {
  const { accessList, authorizationList } = common;
  const fields: Fields = {
    type,
    from: fromHex(from),
    to: common.to === null ? undefined : fromHex(common.to),
    nonce,
    gasLimit: common.gasLimit,
    value: common.value,
    data: common.data,
    maxFeePerGas: common.maxFeePerGas,
    maxPriorityFeePerGas: common.maxPriorityFeePerGas,
    accessList:
      accessList.length === 0
        ? NO_ENTRIES
        : accessList.map(({ address, storageKeys }) => ({
            address: fromHex(address),
            slots: storageKeys.map(fromHex),
          })),
  };
  if (authorizationList.length > 0) fields.authorizations = authorizationsOf(authorizationList, recover);
  return fields;
}

/** A signed transaction in the engine's form. Recovers the signers of its authorizations. */
export function evmTransaction(transaction: SignedTransaction, recover: RecoverPublicKey): EvmTransaction {
  const { type, sender, nonce, maxFeePerBlobGas, blobVersionedHashes } = transaction;
  const fields = fieldsOf(sender, nonce, type, transaction, recover);
  if (type === 3) {
    fields.maxFeePerBlobGas = maxFeePerBlobGas;
    fields.blobHashes = blobVersionedHashes.map(fromHex);
  }
  return fields;
}

/** A message in the engine's form. */
export function evmMessage(request: CallRequest, nonce: bigint, recover: RecoverPublicKey): EvmTransaction {
  const blobHashes = (request.blobVersionedHashes ?? []).map(fromHex);
  const type = blobHashes.length > 0 ? 3 : request.authorizationList.length > 0 ? 4 : 2;
  const fields = fieldsOf(request.from, nonce, type, request, recover);
  if (type === 3) {
    fields.maxFeePerBlobGas = request.maxFeePerBlobGas ?? 0n;
    fields.blobHashes = blobHashes;
  }
  return fields;
}
