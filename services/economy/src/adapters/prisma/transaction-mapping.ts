import { address } from "@aios/kernel/identifiers";
import type { QueuedTransactionModel, TransactionAttemptModel } from "../../../generated/prisma/models.js";
import type {
  Attempt,
  ChainTransaction,
  Lane,
  Signer,
  TransactionState,
} from "../../domain/chain-transaction.js";

export type QueuedRow = QueuedTransactionModel & { readonly attempts?: readonly TransactionAttemptModel[] };

export function toTransaction(row: QueuedRow): ChainTransaction {
  const newest = [...(row.attempts ?? [])].sort((a, b) => b.number - a.number)[0];
  return {
    id: row.id,
    sequence: row.sequence,
    caller: row.caller,
    idempotencyKey: row.idempotencyKey,
    tenant: row.tenant,
    signer: row.signer as Signer,
    contract: row.contract,
    to: address(row.toAddress),
    data: row.data,
    valueWei: BigInt(row.valueWei),
    purpose: row.purpose,
    subject: row.subject,
    lane: row.lane as Lane,
    traceparent: row.traceparent,
    state: row.state as TransactionState,
    nonce: row.nonce ?? undefined,
    gasLimit: row.gasLimit ?? undefined,
    hash: row.minedHash ?? newest?.hash ?? "",
    blockNumber: row.blockNumber ?? undefined,
    gasUsed: row.gasUsed ?? undefined,
    failure:
      row.errorCode === null
        ? undefined
        : {
            code: row.errorCode,
            message: row.errorMessage ?? "",
            details: JSON.parse(row.errorDetails ?? "{}") as Record<string, unknown>,
          },
  };
}

export function toAttempt(row: TransactionAttemptModel): Attempt {
  return {
    hash: row.hash,
    raw: row.rawTransaction,
    transactionId: row.transactionId,
    number: row.number,
    maxFeePerGasWei: BigInt(row.maxFeePerGasWei),
    maxPriorityFeePerGasWei: BigInt(row.maxPriorityFeePerGasWei),
    createdAtMs: Number(row.createdAtMs),
    broadcastAtMs: row.broadcastAtMs === null ? undefined : Number(row.broadcastAtMs),
  };
}

export function attemptRow(attempt: Attempt, tenant: string) {
  return {
    tenant,
    hash: attempt.hash,
    transactionId: attempt.transactionId,
    number: attempt.number,
    rawTransaction: Buffer.from(attempt.raw),
    maxFeePerGasWei: attempt.maxFeePerGasWei.toString(),
    maxPriorityFeePerGasWei: attempt.maxPriorityFeePerGasWei.toString(),
    createdAtMs: BigInt(attempt.createdAtMs),
    broadcastAtMs: attempt.broadcastAtMs === undefined ? null : BigInt(attempt.broadcastAtMs),
  };
}
