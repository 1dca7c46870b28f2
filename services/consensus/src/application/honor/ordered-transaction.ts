import type { OrderedTransaction } from "@aios/core-honor-node/dag-block";
import { CodedError } from "@aios/kernel/coded-error";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { malformedTransaction } from "../../domain/errors.js";
import type { TransactionReader } from "../../domain/honor-ports.js";
import type { TransactionCodec } from "../../domain/ports.js";
import type { SignedTransaction } from "../../domain/transaction.js";
import { type AdmissionCodec, refusable } from "../../domain/transaction-codec.js";

/** Nonces travel in six bytes; no account ever gets there. */
const MAX_NONCE = 2n ** 48n;
/** No block has so much: beyond it one number is as good as another. */
const MAX_GAS = 2n ** 48n - 1n;

/** A transaction as ordering sees it. Throws `malformed-transaction` for a nonce that no account reaches. */
export function orderedOf({ hash, sender, nonce, gasLimit, raw }: SignedTransaction): OrderedTransaction {
  if (nonce >= MAX_NONCE) throw malformedTransaction("the nonce is out of range");
  const gas = Number(gasLimit < MAX_GAS ? gasLimit : MAX_GAS);
  return { id: hash.slice(2), sender, nonce: Number(nonce), gasLimit: gas, payload: raw };
}

export function hashOf({ id }: Pick<OrderedTransaction, "id">): Bytes32 {
  return `0x${id}` as Bytes32;
}

/** The transaction again, with bytes of its own; its hash and sender were found when it became an ordered one. */
export function signedOf(
  codec: Pick<AdmissionCodec, "decodeNamed">,
  transaction: OrderedTransaction,
): SignedTransaction {
  const { payload, sender } = transaction;
  return codec.decodeNamed(payload.slice(), hashOf(transaction), sender as Address);
}

/** Reads what peers send by the rules of admission, which are the same on every node. */
export class AdmissionReader implements TransactionReader {
  constructor(
    private readonly codec: Pick<TransactionCodec, "admitAll">,
    private readonly maxBytes: number,
  ) {}

  async readAll(payloads: readonly Uint8Array[]): Promise<readonly (OrderedTransaction | CodedError)[]> {
    const admitted = await this.codec.admitAll(payloads.filter((payload) => this.#isShort(payload)));
    let next = 0;
    return payloads.map((payload) => {
      if (!this.#isShort(payload)) return malformedTransaction("it is too long");
      const one = admitted[next++] as SignedTransaction | CodedError;
      return one instanceof CodedError ? one : refusable(() => orderedOf(one));
    });
  }

  #isShort({ length }: Uint8Array): boolean {
    return length <= this.maxBytes;
  }
}
