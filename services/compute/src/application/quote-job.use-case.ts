import { type CodedError, isCodedError } from "@aios/kernel/coded-error";
import type { Address } from "@aios/kernel/identifiers";
import { licenceRequired, MODEL_DOES_NOT_FIT, modelNotPublished } from "../domain/errors.js";
import type { VerificationLevel } from "../domain/job.js";
import { checkInput, checkWork, type RequestedWork, trainingSamples } from "../domain/job-request.js";
import type { AbsentProver, ChainWriter, ModelCatalogue, PublishedModel } from "../domain/ports.js";
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
  readonly verificationGas: number;
  readonly proofSystem: string;
  readonly absent: readonly AbsentProver[];
  readonly trust: string;
  readonly visibility: string;
}

/** A way to verify that the request cannot be bought with. */
export interface RefusedRung {
  readonly verification: VerificationLevel;
  readonly code: string;
  readonly message: string;
  /** What takes the model instead, where this rung refuses it for its size. */
  readonly fits: VerificationLevel | undefined;
}

export interface JobQuotes {
  readonly quotes: readonly JobQuote[];
  readonly refusals: readonly RefusedRung[];
}

/** What leaves one rung out and all others as they are: codes of this service, and of the prover that was asked. */
const RUNG_REFUSALS: ReadonlySet<string> = new Set([
  "no-second-provider",
  "proof-system-not-offered",
  MODEL_DOES_NOT_FIT,
  "proof-system-unavailable",
  "model-key-not-found",
  "model-key-not-ready",
  "model-key-failed",
]);

/** Price, time and trust of every way to run and verify a request. */
export class QuoteJob {
  constructor(
    private readonly chain: ChainWriter,
    private readonly models: ModelCatalogue,
    private readonly offers: VerificationOffers,
    private readonly pricing: Pricing,
  ) {}

  /**
   * A rung that is not offered is refused by name: no second provider, or a proof system that the model has no key of or
   * that no prover makes.
   */
  async execute(account: Address, requested: RequestedWork | undefined): Promise<JobQuotes> {
    const { work, input } = checkWork(requested);
    const protocol = await this.chain.protocol();
    if (work.kind === "training")
      return {
        quotes: [quoteOf(trainingOffer(this.pricing, trainingSamples(work), protocol))],
        refusals: [],
      };
    const { model } = await licensedModel(this.models, work.modelId, account);
    checkInput(model.inputShape, input);
    const quotes: JobQuote[] = [];
    const refusals: RefusedRung[] = [];
    for (const rung of INFERENCE_RUNGS) {
      try {
        quotes.push(quoteOf(await this.offers.inference(rung, model, protocol)));
      } catch (error) {
        if (!isCodedError(error) || !RUNG_REFUSALS.has(error.code)) throw error;
        refusals.push(refusedRung(rung, error));
      }
    }
    return { quotes, refusals };
  }
}

function quoteOf({ cheapest, ...offer }: VerificationOffer): JobQuote {
  const { verification, expectedMs, verificationGas, proofSystem, absent, trust, visibility } = offer;
  const priceWei = cheapest.cost.totalWei;
  return { verification, priceWei, expectedMs, verificationGas, proofSystem, absent, trust, visibility };
}

function refusedRung(verification: VerificationLevel, { code, message, details }: CodedError): RefusedRung {
  const fits = INFERENCE_RUNGS.find((rung) => rung === details?.["fits"]);
  return { verification, code, message, fits };
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
