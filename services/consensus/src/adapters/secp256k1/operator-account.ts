import { keccak256 } from "@aios/core-keccak/keccak";
import { addressOf, bytesToBigint } from "@aios/core-rlp/hex";
import { encodeTransaction, type TransactionFields } from "@aios/core-transactions/encode-transaction";
import { signingHash } from "@aios/core-transactions/sender";
import { CodedError } from "@aios/kernel/coded-error";
import type { Address } from "@aios/kernel/identifiers";
import { isPrivate, pointFromScalar, signRecoverable } from "tiny-secp256k1";
import type { CallTransaction, TransactionSigner } from "../../domain/ports.js";

const UNSIGNED = { v: 0n, r: 0n, s: 0n };

/** The account of a node's operator, with its key in memory: what the node signs on chain in its name. */
export class OperatorAccount implements TransactionSigner {
  readonly address: Address;
  readonly #secret: Uint8Array;

  /** Throws `invalid-operator-key` for what is no secret of secp256k1 (32 bytes). */
  constructor(secret: Uint8Array) {
    const point = secret.length === 32 && isPrivate(secret) ? pointFromScalar(secret, false) : null;
    if (point === null)
      throw new CodedError({
        code: "invalid-operator-key",
        kind: "invalid",
        field: "operatorKey",
        message: "An operator's key is 32 bytes, a number from 1 below the order of secp256k1.",
      });
    this.address = addressOf(keccak256(point.subarray(1)).subarray(12));
    this.#secret = secret;
  }

  sign(call: CallTransaction): Uint8Array {
    const fields: TransactionFields = {
      ...call,
      type: 2,
      accessList: [],
      authorizationList: [],
      maxFeePerBlobGas: 0n,
      blobVersionedHashes: [],
      signature: UNSIGNED,
    };
    const hash = signingHash({ ...fields, raw: encodeTransaction(fields) });
    const { signature, recoveryId } = signRecoverable(hash, this.#secret);
    const [r, s] = [signature.subarray(0, 32), signature.subarray(32)].map(bytesToBigint) as [bigint, bigint];
    return encodeTransaction({ ...fields, signature: { v: BigInt(recoveryId), r, s } });
  }
}
