import { addressOf } from "@aios/core-rlp/hex";
import { checkTransaction } from "@aios/core-transactions/check-transaction";
import { decodeTransaction } from "@aios/core-transactions/decode-transaction";
import type { TransactionRules } from "@aios/core-transactions/fork-rules";
import { minimumGas } from "@aios/core-transactions/intrinsic-gas";
import {
  compactSignature,
  type RecoverPublicKey,
  recoverSender,
  recoveryId,
  signingHash,
  transactionHash,
} from "@aios/core-transactions/sender";
import type { Transaction } from "@aios/core-transactions/transaction";
import { isCodedError } from "@aios/kernel/coded-error";
import type { Address } from "@aios/kernel/identifiers";
import { corruptStore, notReplayProtected, transactionTypeNotAdmitted } from "./errors.js";
import type { Genesis } from "./genesis.js";
import type { SenderRecovery, TransactionCodec } from "./ports.js";
import type { SignedTransaction } from "./transaction.js";

const BLOB_TYPE = 3;

/** Decodes by Ethereum's rules, and refuses what this network does not admit: blobs, and signatures for any chain. */
export class AdmissionCodec implements TransactionCodec {
  readonly #rules: TransactionRules;

  constructor(
    genesis: Pick<Genesis, "chainId" | "hardfork">,
    private readonly recover: RecoverPublicKey,
    private readonly recovery?: SenderRecovery,
  ) {
    this.#rules = { fork: genesis.hardfork, chainId: BigInt(genesis.chainId) };
  }

  decode(raw: Uint8Array): SignedTransaction {
    const transaction = this.check(raw);
    return this.#signed(transaction, recoverSender(transaction, this.recover));
  }

  async admit(raw: Uint8Array): Promise<SignedTransaction> {
    if (this.recovery === undefined) return this.decode(raw);
    const transaction = this.check(raw);
    const sender = await this.recovery.recover({
      messageHash: signingHash(transaction),
      compact: compactSignature(transaction.signature),
      recoveryId: recoveryId(transaction),
    });
    return this.#signed(transaction, sender);
  }

  /** All of `decode` but the recovery of the sender, which costs far more than the rest. */
  check(raw: Uint8Array): Transaction {
    if (raw[0] === BLOB_TYPE) throw transactionTypeNotAdmitted(BLOB_TYPE);
    const transaction = decodeTransaction(raw);
    if (transaction.chainId === undefined) throw notReplayProtected();
    checkTransaction(transaction, this.#rules);
    return transaction;
  }

  /** Decodes a transaction of a stored block; its sender was recovered when it was admitted. Throws `corrupt-store`. */
  decodeTrusted(raw: Uint8Array, sender: Uint8Array): SignedTransaction {
    try {
      return this.#signed(decodeTransaction(raw), addressOf(sender));
    } catch (cause) {
      if (!isCodedError(cause)) throw cause;
      throw corruptStore(`a stored transaction does not decode: ${cause.message}`);
    }
  }

  #signed(transaction: Transaction, sender: Address): SignedTransaction {
    return {
      ...transaction,
      hash: transactionHash(transaction),
      sender,
      minimumGas: minimumGas(transaction, this.#rules),
    };
  }
}
