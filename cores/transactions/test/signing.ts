import { bytesToBigint, fromHex } from "@aios/core-rlp/hex";
import { decodeTransaction } from "@aios/core-transactions/decode-transaction";
import { encodeTransaction, type TransactionFields } from "@aios/core-transactions/encode-transaction";
import { type RecoverPublicKey, signingHash } from "@aios/core-transactions/sender";
import type { Transaction } from "@aios/core-transactions/transaction";
import { recover, signRecoverable } from "tiny-secp256k1";

export const KEY = fromHex(`0x${"46".repeat(32)}`);

export const recoverPublicKey: RecoverPublicKey = (hash, signature, recoveryId) => {
  try {
    return recover(hash, signature, recoveryId, false)?.subarray(1);
  } catch {
    return undefined;
  }
};

/** Signs as a wallet does: legacy transactions with EIP-155's v. */
export function sign(fields: TransactionFields, key: Uint8Array = KEY): Transaction {
  const chainId = fields.chainId ?? 0n;
  const v = (parity: bigint): bigint => (fields.type === 0 ? 35n + 2n * chainId + parity : parity);
  // Any v of the chain gives the payload that is signed.
  const draft = decodeTransaction(encodeTransaction({ ...fields, signature: { v: v(0n), r: 1n, s: 1n } }));
  const { signature, recoveryId } = signRecoverable(signingHash(draft), key);
  const r = bytesToBigint(signature.subarray(0, 32));
  const s = bytesToBigint(signature.subarray(32));
  return decodeTransaction(encodeTransaction({ ...fields, signature: { v: v(BigInt(recoveryId)), r, s } }));
}
