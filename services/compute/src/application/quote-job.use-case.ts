import { isCodedError } from "@aios/kernel/coded-error";
import { type Address } from "@aios/kernel/identifiers";
import { licenceRequired, modelNotPublished } from "../domain/errors.js";
import type { VerificationLevel } from "../domain/job.js";
import { checkWork, type RequestedWork, trainingSamples } from "../domain/job-request.js";
import type { ChainWriter, ModelCatalogue, PublishedModel } from "../domain/ports.js";
import type { Pricing } from "./pricing.js";
import {
  INFERENCE_RUNGS,
  trainingOffer,
  type VerificationOffer,
  type VerificationOffers,
} from "./verification-offers.js";

export interface JobQuote {
  readonly verification: VerificationLevel;
  readonly priceWei: bigint;
  readonly expectedMs: number;
  readonly trust: string;
  readonly visibility: string;
}

/** Price, time and trust of every way to run and verify a request. */
export class QuoteJob {
  constructor(
    private readonly chain: ChainWriter,
    private readonly models: ModelCatalogue,
    private readonly offers: VerificationOffers,
    private readonly pricing: Pricing,
  ) {}

  /** A rung that needs a second provider is left out while there is none. */
  async execute(account: Address, requested: RequestedWork | undefined): Promise<readonly JobQuote[]> {
    const { work } = checkWork(requested);
    const protocol = await this.chain.protocol();
    if (work.kind === "training")
      return [quoteOf(trainingOffer(this.pricing, trainingSamples(work), protocol))];
    const { model } = await licensedModel(this.models, work.modelId, account);
    const quotes: JobQuote[] = [];
    for (const rung of INFERENCE_RUNGS) {
      try {
        quotes.push(quoteOf(await this.offers.inference(rung, model, protocol)));
      } catch (error) {
        if (!isCodedError(error) || error.code !== "no-second-provider") throw error;
      }
    }
    return quotes;
  }
}

function quoteOf({ verification, cheapest, expectedMs, trust, visibility }: VerificationOffer): JobQuote {
  return { verification, priceWei: cheapest.cost.totalWei, expectedMs, trust, visibility };
}

/** Throws `model-not-published`, `licence-required`. */
export async function licensedModel(
  models: ModelCatalogue,
  modelId: number,
  account: Address,
): Promise<{ readonly model: PublishedModel; readonly licenceId: number }> {
  const [model, licence] = await Promise.all([models.model(modelId), models.licence(modelId, account)]);
  if (!model.published) throw modelNotPublished(modelId);
  if (licence.licenceId === 0) throw licenceRequired(modelId, licence.licencePriceWei);
  return { model, licenceId: licence.licenceId };
}
