import type { WorkKind } from "@aios/core-scheduler/placement-model";
import { affordableProviderPrice, type JobCost, jobCost } from "@aios/core-settlement/splits";
import type { Clock } from "@aios/kernel/clock";
import type { Address } from "@aios/kernel/identifiers";
import { noProviderAvailable, priceCapTooLow } from "../domain/errors.js";
import type { ProofQuote, PublishedModel } from "../domain/ports.js";
import type { ProviderMarket } from "../domain/provider-market.js";
import { type MarketSettings, quoteRequest } from "./market.js";

const RETRY_AFTER_MS = 2_000;

export interface PriceQuestion {
  readonly kind: WorkKind;
  readonly workUnits: number;
  readonly model: PublishedModel | undefined;
  readonly proof: ProofQuote | undefined;
  readonly protocolFeeBps: number;
}

export interface PriceAnswer {
  readonly provider: Address;
  readonly cost: JobCost;
  /** How fast that provider is, for the expected time; 0 when it is not known. */
  readonly unitsPerSecond: number;
}

/** What the cheapest way to run a job costs in all, from the offers of providers that could take it. */
export class Pricing {
  readonly #market: ProviderMarket;
  readonly #clock: Clock;
  readonly #settings: MarketSettings;

  constructor(market: ProviderMarket, clock: Clock, settings: MarketSettings) {
    this.#market = market;
    this.#clock = clock;
    this.#settings = settings;
  }

  /** Throws `no-provider-available`. */
  cheapest(question: PriceQuestion): PriceAnswer {
    const { kind, workUnits } = question;
    const request = quoteRequest(kind, this.#settings.requiredMemoryBytes[kind], workUnits);
    const offer = this.#market.cheapest(request, this.#clock.now());
    const providerPriceWei = offer?.priceWei[kind];
    if (offer === undefined || providerPriceWei === undefined)
      throw noProviderAvailable(kind, RETRY_AFTER_MS);
    const figures = offer.selfTest;
    return {
      provider: offer.address,
      cost: jobCost({ ...this.#fees(question), providerPriceWei }),
      unitsPerSecond:
        (kind === "inference" ? figures?.evaluatorMacsPerSecond : figures?.trainingSamplesPerSecond) ?? 0,
    };
  }

  /** What the cap leaves for the provider. Throws `no-provider-available`, `price-cap-too-low`. */
  providerCap(question: PriceQuestion, capWei: bigint): bigint {
    const { cost, provider } = this.cheapest(question);
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
