import type {
  ChainTransactionEnded,
  EscrowJobChanged,
  ReceiptIssued,
  ReceiptsAnchored,
} from "@aios/proto/aios/events/v1/events";
import { topics } from "@aios/proto/topics";
import { OnEvent, OnEvents } from "@aios/service-kit/on-event";
import { Controller, Inject } from "@nestjs/common";
import { ReceiptAnchorer } from "../../application/anchor-receipts.js";
import { JudgeReceipts } from "../../application/judge-receipts.js";
import type { JobOnChain } from "../../domain/ports.js";

/**
 * Every handler moves rows only from the states it expects, so a second delivery changes nothing. Receipts and jobs come
 * in numbers, so what waits of them is taken together.
 */
@Controller()
export class ScoringEventsConsumer {
  constructor(
    @Inject(JudgeReceipts) private readonly judge: JudgeReceipts,
    @Inject(ReceiptAnchorer) private readonly anchorer: ReceiptAnchorer,
  ) {}

  @OnEvents(topics.computeReceiptIssued)
  receiptsIssued(events: readonly ReceiptIssued[]): Promise<void> {
    return this.judge.receive(events);
  }

  @OnEvents(topics.economyJobChanged)
  jobsChanged(events: readonly EscrowJobChanged[]): Promise<void> {
    return this.judge.jobsChanged(events.map(jobOnChain));
  }

  @OnEvent(topics.economyReceiptsAnchored)
  receiptsAnchored(event: ReceiptsAnchored): Promise<void> {
    const root = `0x${Buffer.from(event.root).toString("hex")}`;
    return this.anchorer.anchored(root, BigInt(event.batch), event.transactionHash);
  }

  @OnEvent(topics.economyTransactionEnded)
  async transactionEnded(event: ChainTransactionEnded): Promise<void> {
    if (!event.succeeded)
      await this.anchorer.failed(event.idempotencyKey, event.errorCode, event.errorDetailsJson);
  }
}

function jobOnChain(event: EscrowJobChanged): JobOnChain {
  const settled = event.state === "settled";
  return {
    jobId: event.jobId,
    state: event.state,
    buyer: event.buyer,
    provider: event.provider,
    receiptHash: event.receiptHash,
    openedAtSeconds: event.state === "funded" ? event.chainTimeSeconds : undefined,
    settledAtSeconds: settled ? event.chainTimeSeconds : undefined,
    settlementHash: settled ? event.transactionHash : "",
  };
}
