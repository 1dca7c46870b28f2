import type { ChainTransactionEnded } from "@aios/proto/aios/events/v1/events";
import { topics } from "@aios/proto/topics";
import { outbox } from "@aios/service-kit/outbox";
import { inSpan } from "@aios/service-kit/tracing";
import type { Prisma } from "../../../generated/prisma/client.js";
import type { ChainTransaction } from "../../domain/chain-transaction.js";

/** Publishes that a transaction is final or failed, in the trace of the request that queued it. */
export async function publishEnd(tx: Prisma.TransactionClient, transaction: ChainTransaction): Promise<void> {
  const { traceparent } = transaction;
  await inSpan("chain transaction ended", traceparent === "" ? {} : { parent: { traceparent } }, () =>
    outbox.add(tx, topics.economyTransactionEnded, transactionEnded(transaction)),
  );
}

function transactionEnded(transaction: ChainTransaction): ChainTransactionEnded {
  return {
    transactionId: transaction.id,
    idempotencyKey: transaction.idempotencyKey,
    purpose: transaction.purpose,
    succeeded: transaction.failure === undefined,
    transactionHash: transaction.hash,
    blockNumber: Number(transaction.blockNumber ?? 0n),
    gasUsed: Number(transaction.gasUsed ?? 0n),
    errorCode: transaction.failure?.code ?? "",
    errorMessage: transaction.failure?.message ?? "",
    errorDetailsJson: transaction.failure === undefined ? "" : JSON.stringify(transaction.failure.details),
  };
}
