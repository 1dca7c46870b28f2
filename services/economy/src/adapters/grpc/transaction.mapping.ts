import { CodedError } from "@aios/kernel/coded-error";
import {
  ChainSigner,
  type ChainTransaction as ChainTransactionMessage,
  TransactionState as StateMessage,
} from "@aios/proto/aios/economy/v1/economy";
import type { ChainTransaction, Signer, TransactionState } from "../../domain/chain-transaction.js";

const STATES: Readonly<Record<TransactionState, StateMessage>> = {
  queued: StateMessage.TRANSACTION_STATE_QUEUED,
  sent: StateMessage.TRANSACTION_STATE_SENT,
  mined: StateMessage.TRANSACTION_STATE_MINED,
  final: StateMessage.TRANSACTION_STATE_FINAL,
  failed: StateMessage.TRANSACTION_STATE_FAILED,
};

export function toMessage(transaction: ChainTransaction): ChainTransactionMessage {
  return {
    transactionId: transaction.id,
    state: STATES[transaction.state],
    transactionHash: transaction.hash,
    blockNumber: Number(transaction.blockNumber ?? 0n),
    gasUsed: Number(transaction.gasUsed ?? 0n),
    purpose: transaction.purpose,
    errorCode: transaction.failure?.code ?? "",
    errorMessage: transaction.failure?.message ?? "",
    errorDetailsJson: transaction.failure === undefined ? "" : JSON.stringify(transaction.failure.details),
  };
}

/** Throws `unknown-signer`. */
export function toSigner(signer: ChainSigner): Signer {
  switch (signer) {
    case ChainSigner.CHAIN_SIGNER_RELAYER:
      return "relayer";
    case ChainSigner.CHAIN_SIGNER_MATCHER:
      return "matcher";
    case ChainSigner.CHAIN_SIGNER_ANCHOR:
      return "anchor";
    default:
      throw new CodedError({
        code: "unknown-signer",
        kind: "invalid",
        message: "signer must be relayer, matcher or anchor.",
        field: "signer",
      });
  }
}
