import type {
  ChainTransactionEnded,
  EscrowJobChanged,
  ReceiptIssued,
  ReceiptsAnchored,
} from "@aios/proto/aios/events/v1/events";
import { topics } from "@aios/proto/topics";
import { Controller, Inject } from "@nestjs/common";
import { EventPattern, Payload } from "@nestjs/microservices";
import { ReceiptAnchorer } from "../../application/anchor-receipts.js";
import { JudgeReceipts } from "../../application/judge-receipts.js";

/** Every handler moves rows only from the states it expects, so a second delivery changes nothing. */
@Controller()
export class ScoringEventsConsumer {
  constructor(
    @Inject(JudgeReceipts) private readonly judge: JudgeReceipts,
    @Inject(ReceiptAnchorer) private readonly anchorer: ReceiptAnchorer,
  ) {}

  @EventPattern<string>(topics.computeReceiptIssued.name)
  receiptIssued(@Payload() event: ReceiptIssued): Promise<void> {
    return this.judge.receive(event);
  }

  @EventPattern<string>(topics.economyJobChanged.name)
  jobChanged(@Payload() event: EscrowJobChanged): Promise<void> {
    const settled = event.state === "settled";
    return this.judge.jobChanged({
      jobId: event.jobId,
      state: event.state,
      buyer: event.buyer,
      provider: event.provider,
      receiptHash: event.receiptHash,
      openedAtSeconds: event.state === "funded" ? event.chainTimeSeconds : undefined,
      settledAtSeconds: settled ? event.chainTimeSeconds : undefined,
      settlementHash: settled ? event.transactionHash : "",
    });
  }

  @EventPattern<string>(topics.economyReceiptsAnchored.name)
  receiptsAnchored(@Payload() event: ReceiptsAnchored): Promise<void> {
    const root = `0x${Buffer.from(event.root).toString("hex")}`;
    return this.anchorer.anchored(root, BigInt(event.batch), event.transactionHash);
  }

  @EventPattern<string>(topics.economyTransactionEnded.name)
  async transactionEnded(@Payload() event: ChainTransactionEnded): Promise<void> {
    if (!event.succeeded)
      await this.anchorer.failed(event.idempotencyKey, event.errorCode, event.errorDetailsJson);
  }
}
