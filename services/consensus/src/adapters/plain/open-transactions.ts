import type { OrderedTransaction } from "@aios/core-honor-node/dag-block";
import type { CodedError } from "@aios/kernel/coded-error";
import type { Bytes32 } from "@aios/kernel/identifiers";
import { hashOf, signedOf } from "../../application/honor/ordered-transaction.js";
import { sealedTransactionNotAdmitted } from "../../domain/errors.js";
import type { TransactionOpener } from "../../domain/honor-ports.js";
import { SEALED_TYPE, type SignedTransaction } from "../../domain/transaction.js";
import type { AdmissionCodec } from "../../domain/transaction-codec.js";

/** Of a network whose transactions travel open: each is what it says, and a sealed one stays closed for good. */
export class OpenTransactions implements TransactionOpener {
  constructor(
    private readonly codec: Pick<AdmissionCodec, "decodeNamed">,
    /** One that this node decoded when it came; undefined: it is decoded here. */
    private readonly decoded: (hash: Bytes32) => SignedTransaction | undefined,
  ) {}

  async open(
    _height: number,
    ordered: readonly OrderedTransaction[],
    signal?: AbortSignal,
  ): Promise<readonly (SignedTransaction | CodedError)[]> {
    signal?.throwIfAborted();
    return ordered.map((one) => this.#opened(one));
  }

  #opened(one: OrderedTransaction): SignedTransaction | CodedError {
    if (one.payload[0] === SEALED_TYPE) return sealedTransactionNotAdmitted();
    return this.decoded(hashOf(one)) ?? signedOf(this.codec, one);
  }
}
