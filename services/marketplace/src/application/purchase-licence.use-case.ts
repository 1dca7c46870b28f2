import type { Clock } from "@aios/kernel/clock";
import type { Address, TenantId } from "@aios/kernel/identifiers";
import type { Rng } from "@aios/kernel/random";
import { crashPoint } from "@aios/service-kit/crash-point";
import { encodePurchase } from "../domain/call-data.js";
import {
  badSignature,
  insufficientFunds,
  licenceAlreadyOwned,
  notOwner,
  preparationExpired,
} from "../domain/errors.js";
import type { Failure, Purchase } from "../domain/model.js";
import type { ChainReader, ChainWriter, ModelStore, PurchaseStore } from "../domain/ports.js";
import { isSignedBy, licencePurchase, type NamedTypedData, purchasePermit } from "../domain/typed-data.js";
import type { FindLicenceUseCase } from "./find-licence.use-case.js";
import { gasRefusal } from "./gas-refusal.js";
import { randomNonce, SIGNING_SECONDS } from "./publish-model.use-case.js";
import { type NamedSignature, requireSignature } from "./signatures.js";

export interface PreparedPurchase {
  readonly purchase: Purchase;
  readonly toSign: readonly NamedTypedData[];
}

/** From a price to a licence: prepare → the buyer signs order and permit → relay. */
export class PurchaseLicenceUseCase {
  constructor(
    private readonly models: ModelStore,
    private readonly purchases: PurchaseStore,
    private readonly licences: FindLicenceUseCase,
    private readonly chain: ChainWriter,
    private readonly reader: ChainReader,
    private readonly clock: Clock,
    private readonly rng: Rng,
  ) {}

  async prepare(tenant: TenantId, buyer: Address, modelId: bigint): Promise<PreparedPurchase> {
    const model = await this.models.byModelId(modelId);
    const owned = await this.licences.find(modelId, buyer);
    if (owned !== undefined) throw licenceAlreadyOwned(modelId, owned);
    const context = await this.chain.signingContext();
    const purchase = await this.purchases.prepare(
      {
        tenant,
        buyer,
        modelId,
        priceWei: model.licencePriceWei,
        nonce: randomNonce(this.rng),
        deadlineSeconds: BigInt(Math.floor(this.clock.now() / 1_000)) + SIGNING_SECONDS,
        permitNonce: await this.reader.permitNonce(context.wrappedAios, buyer),
      },
      this.clock.now(),
    );
    return { purchase, toSign: [licencePurchase(context, purchase), purchasePermit(context, purchase)] };
  }

  /** Keeps both signatures, then relays. Again: the same purchase, with what became of it. */
  async submit(buyer: Address, purchaseId: string, signatures: readonly NamedSignature[]): Promise<Purchase> {
    const purchase = await this.get(buyer, purchaseId);
    if (purchase.state !== "prepared") return purchase;
    if (purchase.deadlineSeconds * 1_000n < BigInt(this.clock.now())) throw preparationExpired();
    const context = await this.chain.signingContext();
    const order = requireSignature(signatures, "licence-purchase");
    const permit = requireSignature(signatures, "permit");
    if (!isSignedBy(buyer, licencePurchase(context, purchase), order))
      throw badSignature("licence-purchase", buyer);
    if (!isSignedBy(buyer, purchasePermit(context, purchase), permit)) throw badSignature("permit", buyer);
    const balanceWei = await this.chain.wrappedBalanceWei(buyer);
    if (balanceWei < purchase.priceWei) throw insufficientFunds(purchase.priceWei, balanceWei);
    crashPoint("marketplace.purchase.before-store");
    const submitted = await this.purchases.submit(purchaseId, order, permit, this.clock.now());
    crashPoint("marketplace.purchase.after-store");
    await this.relay(submitted);
    return submitted;
  }

  /**
   * Hands a signed purchase to the chain-write outbox; the key makes repetition harmless. Throws `gas-allowance-spent`:
   * the purchase has failed then, and the buyer may order again.
   */
  async relay(purchase: Purchase): Promise<void> {
    const { purchaseSignature, permitSignature } = purchase;
    if (purchase.state !== "submitted" || purchaseSignature === undefined || permitSignature === undefined)
      return;
    const context = await this.chain.signingContext();
    const data = encodePurchase(
      licencePurchase(context, purchase),
      purchaseSignature,
      purchasePermit(context, purchase),
      permitSignature,
    );
    try {
      await this.chain.purchaseLicence(purchaseKey(purchase.purchaseId), data);
    } catch (error) {
      const refusal = gasRefusal(error);
      if (refusal !== undefined) await this.failed(purchase.purchaseId, refusal);
      throw error;
    }
    crashPoint("marketplace.purchase.after-relay");
  }

  async get(buyer: Address, purchaseId: string): Promise<Purchase> {
    const purchase = await this.purchases.byId(purchaseId);
    if (purchase.buyer !== buyer) throw notOwner("purchase");
    return purchase;
  }

  failed(purchaseId: string, failure: Failure): Promise<void> {
    return this.purchases.failed(purchaseId, failure, this.clock.now());
  }
}

export function purchaseKey(purchaseId: string): string {
  return `purchase:${purchaseId}`;
}

/** What `purchaseKey` put together; `undefined` for other keys. */
export function parsePurchaseKey(key: string): string | undefined {
  return /^purchase:([0-9a-f-]{36})$/.exec(key)?.[1];
}
