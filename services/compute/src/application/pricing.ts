import { cheapestOffer } from "@aios/core-scheduler/placement";
import type { WorkKind } from "@aios/core-scheduler/placement-model";
import { affordableProviderPrice, type JobCost, jobCost } from "@aios/core-settlement/splits";
import type { Clock } from "@aios/kernel/clock";
import type { Address, TenantId } from "@aios/kernel/identifiers";
import { noProviderAvailable, priceCapTooLow } from "../domain/errors.js";
import type { ProofQuote, ProviderLinks, ProviderStore, PublishedModel } from "../domain/ports.js";
import { type MarketSettings, offersOf, quoteRequest } from "./market.js";

const RETRY_AFTER_MS = 2_000;
/** A provider that was here this recently still counts for prices: it may just be reconnecting. */
const RECENTLY_SEEN_MS = 120_000;

export interface PriceQuestion {
  readonly kind: WorkKind;
  readonly tenant: TenantId;
  readonly workUnits: number;
  readonly model: PublishedModel | undefined;
  readonly proof: ProofQuote | undefined;
  readonly protocolFeeBps: number;
}

export interface PriceAnswer {
  readonly provider: Address;
  readonly cost: JobCost;
  /** The fastest figure among known providers, for the expected time; 0 when none is known. */
  readonly unitsPerSecond: number;
}

/** What the cheapest way to run a job costs in all, from the offers of providers that could take it. */
export class Pricing {
  readonly #providers: ProviderStore;
  readonly #links: ProviderLinks;
  readonly #clock: Clock;
  readonly #settings: MarketSettings;

  constructor(providers: ProviderStore, links: ProviderLinks, clock: Clock, settings: MarketSettings) {
    this.#providers = providers;
    this.#links = links;
    this.#clock = clock;
    this.#settings = settings;
  }

  /** Throws `no-provider-available`. */
  async cheapest(question: PriceQuestion): Promise<PriceAnswer> {
    const market = await this.#providers.market(question.tenant);
    const nowMs = this.#clock.now();
    const online = new Set(this.#links.online());
    for (const provider of market.providers) {
      if (nowMs - provider.lastSeenMs < RECENTLY_SEEN_MS) online.add(provider.address);
    }
    const request = quoteRequest(
      question.kind,
      this.#settings.requiredMemoryBytes[question.kind],
      question.workUnits,
    );
    const offers = offersOf(market, online);
    const cheapest = cheapestOffer(request, offers, this.#settings.policy);
    if (cheapest === undefined) throw noProviderAvailable(question.kind, RETRY_AFTER_MS);
    const figures = offers.find((offer) => offer.address === cheapest.provider)?.selfTest;
    return {
      provider: cheapest.provider,
      cost: jobCost({ ...this.#fees(question), providerPriceWei: cheapest.priceWei }),
      unitsPerSecond:
        (question.kind === "inference"
          ? figures?.evaluatorMacsPerSecond
          : figures?.trainingSamplesPerSecond) ?? 0,
    };
  }

  /** What the cap leaves for the provider. Throws `no-provider-available`, `price-cap-too-low`. */
  async providerCap(question: PriceQuestion, capWei: bigint): Promise<bigint> {
    const { cost, provider } = await this.cheapest(question);
    const left = affordableProviderPrice(this.#fees(question), capWei);
    if (left === undefined || cost.totalWei > capWei) throw priceCapTooLow(cost.totalWei, capWei, provider);
    return left;
  }

  #fees(question: PriceQuestion): Parameters<typeof affordableProviderPrice>[0] {
    return {
      proverFeeWei: BigInt(question.proof?.priceWei ?? "0"),
      usageFeeWei: BigInt(question.model?.usageFeeWei ?? "0"),
      royaltyBps: question.model?.royaltyBps ?? 0,
      protocolFeeBps: question.protocolFeeBps,
    };
  }
}
