import { receiptKindName } from "@aios/core-contribution/receipt";
import { address, bytes32, jobId } from "@aios/kernel/identifiers";
import type {
  GetContributionRequest,
  GetContributionResponse,
  GetReceiptProofRequest,
  GetReceiptProofResponse,
  ListReceiptsRequest,
  ListReceiptsResponse,
  Receipt,
} from "@aios/proto/aios/scoring/v1/scoring";
import { AllowCallers } from "@aios/service-kit/allow-callers";
import { Controller, Inject } from "@nestjs/common";
import { GrpcMethod } from "@nestjs/microservices";
import { MeasureContributionUseCase } from "../../application/measure-contribution.use-case.js";
import { ProveReceiptUseCase } from "../../application/prove-receipt.use-case.js";
import { filterMissing } from "../../domain/errors.js";
import type { AnchorBatch, ReceiptStore } from "../../domain/ports.js";
import type { ReceiptRecord } from "../../domain/receipt-record.js";
import { RECEIPT_STORE } from "../../tokens.js";

const MAX_LISTED = 200;

@Controller()
@AllowCallers("gateway", "compute")
export class ScoringController {
  constructor(
    @Inject(RECEIPT_STORE) private readonly store: ReceiptStore,
    @Inject(ProveReceiptUseCase) private readonly prove: ProveReceiptUseCase,
    @Inject(MeasureContributionUseCase) private readonly measure: MeasureContributionUseCase,
  ) {}

  @GrpcMethod("ScoringService", "ListReceipts")
  async listReceipts(request: ListReceiptsRequest): Promise<ListReceiptsResponse> {
    if (request.account === "" && request.jobId === "") throw filterMissing();
    const filter = {
      ...(request.account === "" ? {} : { account: address(request.account, "account") }),
      ...(request.jobId === "" ? {} : { jobId: jobId(request.jobId) }),
    };
    const records = await this.store.list(filter, MAX_LISTED);
    return { receipts: await Promise.all(records.map((record) => this.#withBatch(record))) };
  }

  @GrpcMethod("ScoringService", "GetReceiptProof")
  async getReceiptProof(request: GetReceiptProofRequest): Promise<GetReceiptProofResponse> {
    const { receipt, batch, leafIndex, siblings } = await this.prove.execute(
      bytes32(request.receiptId, "receiptId"),
    );
    return {
      receipt: toMessage(receipt, batch),
      batch: Number(batch.number),
      root: bytes(batch.root),
      leafIndex,
      siblings: siblings.map(bytes),
    };
  }

  @GrpcMethod("ScoringService", "GetContribution")
  async getContribution(request: GetContributionRequest): Promise<GetContributionResponse> {
    const contribution = await this.measure.execute(address(request.account, "account"));
    return {
      account: contribution.account,
      epoch: contribution.epoch,
      level: Number(contribution.level),
      levelExplanation: contribution.levelExplanation,
      features: contribution.features.map((feature) => ({ ...feature, value: feature.value.toString() })),
      countedReceipts: contribution.countedReceipts,
    };
  }

  async #withBatch(record: ReceiptRecord): Promise<Receipt> {
    const anchored = record.state === "anchored" && record.batchId !== undefined;
    return toMessage(record, anchored ? await this.store.batch(record.batchId) : undefined);
  }
}

function toMessage(record: ReceiptRecord, batch: AnchorBatch | undefined): Receipt {
  return {
    receiptId: record.receiptId,
    kind: receiptKindName(record.kind) ?? "",
    jobId: record.jobId,
    provider: record.provider,
    counterparty: record.counterparty,
    messageJson: record.messageJson,
    providerSignature: record.providerSignature,
    countersignedBy: record.countersignedBy,
    state: record.state === "anchored" || record.state === "refused" ? record.state : "pending",
    refusedBecause: record.refusedBecause,
    anchorRoot: bytes(batch?.root ?? "0x"),
    anchorTransactionHash: batch?.transactionHash ?? "",
  };
}

function bytes(hex: string): Uint8Array {
  return Buffer.from(hex.slice(2), "hex");
}
