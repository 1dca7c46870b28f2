import type { Clock } from "@aios/kernel/clock";
import { address, bytes32 } from "@aios/kernel/identifiers";
import type {
  ChainTransactionEnded,
  HonkKeySetUpEnded,
  KeySetUpEnded,
  LicencePurchased,
  ModelPublished,
} from "@aios/proto/aios/events/v1/events";
import { topics } from "@aios/proto/topics";
import { Controller, Inject } from "@nestjs/common";
import { EventPattern, Payload } from "@nestjs/microservices";
import { CreateModelUseCase } from "../../application/create-model.use-case.js";
import { PublishModelUseCase, parsePublicationKey } from "../../application/publish-model.use-case.js";
import { PurchaseLicenceUseCase, parsePurchaseKey } from "../../application/purchase-licence.use-case.js";
import { keyOrigin, ZERO_WORD } from "../../domain/model.js";
import type { ModelStore, PurchaseStore } from "../../domain/ports.js";
import { CLOCK, MODEL_STORE, PURCHASE_STORE } from "../../tokens.js";

/** Every handler moves rows only from the states it expects, so a second delivery changes nothing. */
@Controller()
export class MarketEventsConsumer {
  constructor(
    @Inject(MODEL_STORE) private readonly models: ModelStore,
    @Inject(PURCHASE_STORE) private readonly purchases: PurchaseStore,
    @Inject(CreateModelUseCase) private readonly createModel: CreateModelUseCase,
    @Inject(PublishModelUseCase) private readonly publishModel: PublishModelUseCase,
    @Inject(PurchaseLicenceUseCase) private readonly purchaseLicence: PurchaseLicenceUseCase,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @EventPattern<string>(topics.proverKeyEnded.name)
  async keyEnded(@Payload() event: KeySetUpEnded): Promise<void> {
    await this.createModel.keyMoved(
      bytes32(hex(event.modelCommitment), "modelCommitment"),
      "groth16",
      event.ready
        ? {
            kind: "ready",
            key: {
              inputShape: event.inputShape,
              multiplications: event.multiplications,
              hash: bytes32(hex(event.verifyingKeyHash), "verifyingKeyHash"),
              cid: event.verifyingKeyCid,
              trust: event.trust,
              ceremony: keyOrigin(event.ceremonyTranscriptHash, event.ceremonyTranscriptCid),
            },
          }
        : {
            kind: "failed",
            failure: { code: event.errorCode, message: event.errorMessage, detailsJson: "{}" },
          },
    );
  }

  @EventPattern<string>(topics.proverHonkKeyEnded.name)
  async honkKeyEnded(@Payload() event: HonkKeySetUpEnded): Promise<void> {
    const { verifyingKeyCid: cid, trust, errorCode: code, errorMessage: message } = event;
    await this.models.keyEnded(
      bytes32(hex(event.modelCommitment), "modelCommitment"),
      {
        proofSystem: "honk",
        result: event.ready
          ? { hash: bytes32(hex(event.verifyingKeyHash), "verifyingKeyHash"), cid, trust }
          : { code, message, detailsJson: event.errorDetailsJson || "{}" },
      },
      this.clock.now(),
    );
  }

  @EventPattern<string>(topics.economyModelPublished.name)
  async modelPublished(@Payload() event: ModelPublished): Promise<void> {
    await this.models.publishedOnChain(
      {
        modelId: BigInt(event.modelId),
        owner: address(event.owner, "owner"),
        modelCommitment: bytes32(hex(event.modelCommitment), "modelCommitment"),
        verifyingKeyHash: bytes32(hex(event.verifyingKeyHash), "verifyingKeyHash"),
        honkKeyHash:
          event.honkKeyHash.length === 0 ? ZERO_WORD : bytes32(hex(event.honkKeyHash), "honkKeyHash"),
        ceremonyTranscriptHash:
          event.ceremonyTranscriptHash.length === 0
            ? ZERO_WORD
            : bytes32(hex(event.ceremonyTranscriptHash), "ceremonyTranscriptHash"),
        contentCid: event.contentCid,
        licencePriceWei: BigInt(event.licencePriceWei),
        usageFeeWei: BigInt(event.usageFeeWei),
        royaltyBps: event.royaltyBps,
        transactionHash: event.transactionHash,
      },
      this.clock.now(),
    );
  }

  @EventPattern<string>(topics.economyLicencePurchased.name)
  async licencePurchased(@Payload() event: LicencePurchased): Promise<void> {
    await this.purchases.licensed(
      {
        licenceId: BigInt(event.licenceId),
        modelId: BigInt(event.modelId),
        owner: address(event.owner, "owner"),
      },
      BigInt(event.priceWei),
      event.transactionHash,
      this.clock.now(),
    );
  }

  @EventPattern<string>(topics.economyTransactionEnded.name)
  async transactionEnded(@Payload() event: ChainTransactionEnded): Promise<void> {
    if (event.succeeded) return;
    const failure = {
      code: event.errorCode,
      message: event.errorMessage,
      detailsJson: event.errorDetailsJson,
    };
    const publication = parsePublicationKey(event.idempotencyKey);
    if (publication !== undefined)
      await this.publishModel.failed(publication.draftId, publication.nonce, failure);
    const purchaseId = parsePurchaseKey(event.idempotencyKey);
    if (purchaseId !== undefined) await this.purchaseLicence.failed(purchaseId, failure);
  }
}

function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString("hex")}`;
}
