import type { WorkKind } from "@aios/core-scheduler/placement-model";
import {
  affordableProverFee,
  affordableProviderPrice,
  type JobCost,
  jobCost,
} from "@aios/core-settlement/splits";
import type { Clock } from "@aios/kernel/clock";
import { isCodedError } from "@aios/kernel/coded-error";
import type { Address } from "@aios/kernel/identifiers";
import { noProviderAvailable, noSecondProvider, priceCapTooLow } from "../domain/errors.js";
import type { PublishedModel } from "../domain/ports.js";
import type { ProviderMarket } from "../domain/provider-market.js";
import { type MarketSettings, quoteRequest } from "./market.js";

const RETRY_AFTER_MS = 2_000;

export interface PriceQuestion {
  readonly kind: WorkKind;
  readonly workUnits: number;
  readonly model: PublishedModel | undefined;
  /** What is paid beside the provider: to the prover, or to the second provider. */
  readonly proverFeeWei: bigint;
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
  cheapest(question: PriceQuestion, without: readonly Address[] = []): PriceAnswer {
    const { kind, workUnits } = question;
    const request = quoteRequest(kind, this.#settings.requiredMemoryBytes[kind], workUnits, without);
    const offer = this.#market.cheapest(request, this.#clock.now());
    const providerPriceWei = offer?.priceWei[kind];
    if (offer === undefined || providerPriceWei === undefined)
      throw noProviderAvailable(kind, RETRY_AFTER_MS);
    const figures = offer.selfTest;
    return {
      provider: offer.address,
      cost: this.#cost(question, providerPriceWei),
      unitsPerSecond:
        (kind === "inference" ? figures?.evaluatorMacsPerSecond : figures?.trainingSamplesPerSecond) ?? 0,
    };
  }

  /**
   * The two cheapest providers, as a replicated job pays them. Of both the dearer stands first, where the royalty is paid
   * on its price too: whoever of them computes first, the other is affordable at this cost. Throws
   * `no-provider-available`, `no-second-provider`.
   */
  pair(question: PriceQuestion): { readonly first: PriceAnswer; readonly second: PriceAnswer } {
    const second = this.cheapest({ ...question, proverFeeWei: 0n });
    const first = this.#another(question, second.provider);
    const proverFeeWei = second.cost.providerWei;
    return {
      first: { ...first, cost: this.#cost({ ...question, proverFeeWei }, first.cost.providerWei) },
      second,
    };
  }

  /** What the cap leaves for the second provider beside the first. Throws as `pair`, `price-cap-too-low`. */
  replicaCap(question: PriceQuestion, capWei: bigint): bigint {
    const { first } = this.pair(question);
    if (first.cost.totalWei > capWei) throw priceCapTooLow(first.cost.totalWei, capWei, first.provider);
    const { proverFeeWei: _, ...fees } = this.#fees(question);
    return affordableProverFee({ ...fees, providerPriceWei: first.cost.providerWei }, capWei) ?? 0n;
  }

  #another(question: PriceQuestion, than: Address): PriceAnswer {
    try {
      return this.cheapest({ ...question, proverFeeWei: 0n }, [than]);
    } catch (error) {
      if (isCodedError(error) && error.code === "no-provider-available")
        throw noSecondProvider(question.kind, RETRY_AFTER_MS);
      throw error;
    }
  }

  #cost(question: PriceQuestion, providerPriceWei: bigint): JobCost {
    return jobCost({ ...this.#fees(question), providerPriceWei });
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
      proverFeeWei: question.proverFeeWei,
      usageFeeWei: BigInt(question.model?.usageFeeWei ?? "0"),
      royaltyBps: question.model?.royaltyBps ?? 0,
      protocolFeeBps: question.protocolFeeBps,
    };
  }
}
