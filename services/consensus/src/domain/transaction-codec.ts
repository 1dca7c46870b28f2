import { addressOf } from "@aios/core-rlp/hex";
import { checkTransaction } from "@aios/core-transactions/check-transaction";
import { decodeTransaction } from "@aios/core-transactions/decode-transaction";
import type { TransactionRules } from "@aios/core-transactions/fork-rules";
import { minimumGas } from "@aios/core-transactions/intrinsic-gas";
import {
  compactSignatureOf,
  type RecoverPublicKey,
  recoverSender,
  recoveryId,
  signingHash,
  transactionHash,
} from "@aios/core-transactions/sender";
import type { Transaction } from "@aios/core-transactions/transaction";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import {
  corruptStore,
  notReplayProtected,
  sealedTransactionNotAdmitted,
  transactionTypeNotAdmitted,
} from "./errors.js";
import type { Genesis } from "./genesis.js";
import type { SenderRecovery, SignatureToRecover, TransactionCodec } from "./ports.js";
import { SEALED_TYPE, type SignedTransaction } from "./transaction.js";

const BLOB_TYPE = 3;

/**
 * Decodes by Ethereum's rules, and refuses what this network does not admit: blobs, signatures for any chain, and what nobody
 * opens here.
 */
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
    const [admitted] = (await this.admitAll([raw])) as [SignedTransaction | CodedError];
    if (admitted instanceof CodedError) throw admitted;
    return admitted;
  }

  async admitAll(raws: readonly Uint8Array[]): Promise<readonly (SignedTransaction | CodedError)[]> {
    const { recovery } = this;
    if (recovery === undefined) return raws.map((raw) => refusable(() => this.decode(raw)));
    const checked = raws.map((raw) => refusable(() => this.check(raw)));
    const sound = checked.filter((each) => !(each instanceof CodedError)) as Transaction[];
    const senders = await recovery.recoverAll(sound.map(signatureOf));
    let next = 0;
    return checked.map((each) => {
      if (each instanceof CodedError) return each;
      const sender = senders[next++] as Address | CodedError;
      return sender instanceof CodedError ? sender : this.#signed(each, sender);
    });
  }

  /** All of `decode` but the recovery of the sender, which costs far more than the rest. */
  check(raw: Uint8Array): Transaction {
    if (raw[0] === BLOB_TYPE) throw transactionTypeNotAdmitted(BLOB_TYPE);
    if (raw[0] === SEALED_TYPE) throw sealedTransactionNotAdmitted();
    const transaction = decodeTransaction(raw);
    if (transaction.chainId === undefined) throw notReplayProtected();
    checkTransaction(transaction, this.#rules);
    return transaction;
  }

  /** Decodes a transaction of a stored block; its sender was recovered when it was admitted. Throws `corrupt-store`. */
  decodeTrusted(raw: Uint8Array, sender: Uint8Array): SignedTransaction {
    return this.decodeNamed(raw, transactionHash({ raw }), addressOf(sender));
  }

  /** As `decodeTrusted`, where the hash was computed before, too. */
  decodeNamed(raw: Uint8Array, hash: Bytes32, sender: Address): SignedTransaction {
    try {
      const transaction = decodeTransaction(raw);
      return { ...transaction, hash, sender, minimumGas: minimumGas(transaction, this.#rules) };
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

function signatureOf(transaction: Transaction): SignatureToRecover {
  return {
    messageHash: signingHash(transaction),
    compact: compactSignatureOf(transaction),
    recoveryId: recoveryId(transaction),
  };
}

/** What `work` gives, or the coded error that it throws. */
export function refusable<T>(work: () => T): T | CodedError {
  try {
    return work();
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
}
