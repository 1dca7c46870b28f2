import type { Address } from "@aios/kernel/identifiers";
import { licenceRequired, modelNotPublished } from "../domain/errors.js";
import type { VerificationLevel } from "../domain/job.js";
import { checkWork, type RequestedWork, trainingSamples } from "../domain/job-request.js";
import type { ChainWriter, ModelCatalogue, ProofQuote, Prover, PublishedModel } from "../domain/ports.js";
import type { Pricing } from "./pricing.js";

/** Multiply-accumulates of one inference of the reference network, 784–128–10. */
export const INFERENCE_WORK_UNITS = 784 * 128 + 128 * 10;
/** Four transactions of a block each, beside the work itself. */
const CHAIN_OVERHEAD_MS = 2_000;

export interface JobQuote {
  readonly verification: VerificationLevel;
  readonly priceWei: bigint;
  readonly expectedMs: number;
  readonly trust: string;
  readonly visibility: string;
}

const INPUT_VISIBILITY = "The leased provider decrypts the input; storage and relayer see ciphertext only.";

/** Price, time and trust of every way to run and verify a request. */
export class QuoteJob {
  readonly #chain: ChainWriter;
  readonly #models: ModelCatalogue;
  readonly #prover: Prover;
  readonly #pricing: Pricing;

  constructor(chain: ChainWriter, models: ModelCatalogue, prover: Prover, pricing: Pricing) {
    this.#chain = chain;
    this.#models = models;
    this.#prover = prover;
    this.#pricing = pricing;
  }

  async execute(account: Address, requested: RequestedWork | undefined): Promise<readonly JobQuote[]> {
    const { work } = checkWork(requested);
    const { protocolFeeBps, challengeWindowSeconds } = await this.#chain.protocol();
    const windowText = `final when you accept it or ${challengeWindowSeconds} s after delivery`;
    if (work.kind === "training") {
      const workUnits = trainingSamples(work);
      const answer = this.#pricing.cheapest({
        kind: "training",
        workUnits,
        model: undefined,
        proof: undefined,
        protocolFeeBps,
      });
      return [
        {
          verification: "none",
          priceWei: answer.cost.totalWei,
          expectedMs: CHAIN_OVERHEAD_MS + duration(workUnits, answer.unitsPerSecond),
          trust: `The provider, for the whole training: its signed delivery is ${windowText}.`,
          visibility:
            "The data set is public; the trained model is sealed to your key, the provider sees it.",
        },
      ];
    }
    const { model } = await licensedModel(this.#models, work.modelId, account);
    const base = {
      kind: "inference" as const,
      workUnits: INFERENCE_WORK_UNITS,
      model,
      protocolFeeBps,
    };
    const plain = this.#pricing.cheapest({ ...base, proof: undefined });
    const workMs = duration(INFERENCE_WORK_UNITS, plain.unitsPerSecond);
    const quotes: JobQuote[] = [
      {
        verification: "none",
        priceWei: plain.cost.totalWei,
        expectedMs: CHAIN_OVERHEAD_MS + workMs,
        trust: `The provider, for the output: its signed delivery is ${windowText}.`,
        visibility: INPUT_VISIBILITY,
      },
    ];
    const proof: ProofQuote = await this.#prover.quote(model.modelCommitment);
    const proven = this.#pricing.cheapest({ ...base, proof });
    quotes.push({
      verification: "proof",
      priceWei: proven.cost.totalWei,
      expectedMs: CHAIN_OVERHEAD_MS + workMs + proof.expectedMs,
      trust: `Nobody for the output, but the proving key: ${proof.trust}.`,
      visibility: `${INPUT_VISIBILITY} The prover decrypts it too.`,
    });
    return quotes;
  }
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

function duration(workUnits: number, unitsPerSecond: number): number {
  return unitsPerSecond > 0 ? Math.ceil((workUnits * 1_000) / unitsPerSecond) : 0;
}
