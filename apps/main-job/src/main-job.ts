import { type DigitSplit, splitDigits } from "@aios/datasets/digit-split";
import { digitAsText } from "@aios/datasets/digit-text";
import { loadDigits } from "@aios/datasets/digits";
import { digitAt } from "@aios/datasets/labelled-digits";
import type { Clock } from "@aios/kernel/clock";
import { CodedError } from "@aios/kernel/coded-error";
import { formatAios } from "@aios/kernel/units";
import type { Model, Provider, Purchase, Receipt } from "@aios/sdk/api-types";
import type { AiosClient } from "@aios/sdk/client";
import { fromHex } from "@aios/sdk/hex";
import { until } from "@aios/sdk/until";
import { type VerificationReport, verdictOf } from "@aios/sdk/verification/verification-report";
import { verifyJob } from "@aios/sdk/verification/verify-job";
import { balanceTable } from "./balance-table.js";
import { present, unmet } from "./expectation.js";
import { LICENCE_PRICE_LIMIT_WEI, MODEL_NAME, TRAINING } from "./plan.js";
import {
  type InferenceOutcome,
  paymentFacts,
  proofFacts,
  quoteFacts,
  runInference,
} from "./proven-inference.js";
import { publishModel } from "./publish-model.js";
import type { Fact, Report } from "./report.js";
import { trainModel } from "./train-model.js";

export interface MainJobParties {
  readonly developer: AiosClient;
  readonly business: AiosClient;
}

export interface MainJobOptions {
  /** Providers that must be registered before anything is ordered. */
  readonly providers: number;
  /** Which of the unseen digits the business asks about. */
  readonly digitIndex: number;
}

export interface MainJobResult {
  readonly model: Model;
  readonly inference: InferenceOutcome;
  readonly truth: number;
  readonly receipts: readonly Receipt[];
  readonly verification: VerificationReport;
  readonly trainedAnew: boolean;
}

/** From an empty platform to a settled, proven inference, through the public API only. */
export class MainJob {
  readonly #parties: MainJobParties;
  readonly #report: Report;
  readonly #clock: Clock;

  constructor(parties: MainJobParties, report: Report, clock: Clock) {
    this.#parties = parties;
    this.#report = report;
    this.#clock = clock;
  }

  async run(options: MainJobOptions): Promise<MainJobResult> {
    const split = splitDigits(await loadDigits(), TRAINING);
    await this.#step("Providers have proven their keys, staked and tested themselves", () =>
      this.#awaitProviders(options.providers),
    );
    const { model, trainedAnew } = await this.publishedModel(split);
    const modelId = present(model.modelId, "the model's id");
    await this.#step("The business signs in and buys a licence", () => this.#buyLicence(modelId));
    const digit = digitAt(split.unseen, options.digitIndex);
    const truth = split.unseen.labels[options.digitIndex] as number;
    const inference = await this.#provenInference(modelId, digit, truth);
    const receipts = await this.#step("The receipt is anchored and counted", () =>
      this.#anchoredReceipts(inference.job.jobId),
    );
    const verification = await this.#step("Everything is checked again from outside", () =>
      this.#verify(inference, digit),
    );
    return { model, inference, truth, receipts, verification, trainedAnew };
  }

  /** The developer's published model: from an earlier run on this platform, or trained and published now. */
  async publishedModel(split: DigitSplit): Promise<{ readonly model: Model; readonly trainedAnew: boolean }> {
    const { developer } = this.#parties;
    const own = await digitModelOf(developer);
    if (own !== undefined) {
      await this.#step(
        "The developer's model is already published (start with --fresh to train again)",
        async () => ({
          value: own,
          facts: [
            { name: "model", value: `${own.modelId}: ${own.name}` },
            { name: "model commitment", value: own.modelCommitment },
          ],
        }),
      );
      return { model: own, trainedAnew: false };
    }
    const trained = await this.#step(
      `The developer buys a training job: ${TRAINING.layers.join("–")} on ${split.train.count} real handwritten digits`,
      async () => {
        const { model, facts } = await trainModel(developer, this.#report);
        return { value: model, facts };
      },
    );
    const model = await this.#step(
      "The model becomes integers, is encrypted, keyed and published",
      async () => {
        const { model: value, facts } = await publishModel(developer, trained, split, this.#report);
        return { value, facts };
      },
    );
    return { model, trainedAnew: true };
  }

  async #awaitProviders(count: number): Promise<Outcome<readonly Provider[]>> {
    const online = (providers: readonly Provider[]): Provider[] =>
      providers.filter((provider) => provider.online && BigInt(provider.stakedWei) > 0n);
    const providers = await until(
      () => this.#parties.developer.providers(),
      (all) => online(all).length >= count,
      {
        // As long as a provider waits for its welcome before it connects again.
        timeoutMs: 180_000,
        onChange: (all) => this.#report.progress(`${online(all).length} of ${count} providers`),
      },
    );
    const facts = online(providers).map((provider) => ({
      name: provider.name,
      value:
        `${provider.address}  stake ${formatAios(BigInt(provider.stakedWei))} AIOS  ` +
        `${megas(provider.selfTest?.evaluatorMacsPerSecond)} M multiply-adds/s  registered in ${provider.registrationTransactionHash ?? "an earlier start"}`,
    }));
    return { value: providers, facts };
  }

  async #buyLicence(modelId: number): Promise<Outcome<number>> {
    let purchase: Purchase;
    try {
      purchase = await this.#parties.business.models.purchaseLicence(modelId, LICENCE_PRICE_LIMIT_WEI, {
        onChange: (state) => this.#report.progress(`purchase ${state.state}`),
      });
    } catch (error) {
      return heldLicence(error, modelId);
    }
    const licenceId = present(purchase.licenceId, "the licence id");
    return {
      value: licenceId,
      facts: [
        {
          name: "licence",
          value: `${licenceId} of model ${modelId}, ${formatAios(BigInt(purchase.priceWei))} AIOS`,
        },
        { name: "transaction", value: present(purchase.transactionHash, "the purchase's transaction") },
      ],
    };
  }

  async #provenInference(modelId: number, digit: Uint8Array, truth: number): Promise<InferenceOutcome> {
    const { business } = this.#parties;
    return this.#step("The business asks which digit this is, and wants a proof", async () => {
      this.#report.text(digitAsText(digit));
      const quotes = await quoteFacts(business, modelId, digit);
      const outcome = await runInference(business, modelId, digit, "proof", this.#report);
      const [facts, payments, protocol] = await Promise.all([
        proofFacts(business, outcome),
        business.jobs.payments(outcome.job.jobId),
        business.protocol(),
      ]);
      return {
        value: outcome,
        facts: [
          ...quotes,
          { name: "prediction", value: `${outcome.prediction} (truth ${truth})` },
          ...facts,
          ...paymentFacts(payments),
          ...(await balanceTable({ rpc: business.rpc, protocol }, payments)),
        ],
      };
    });
  }

  async #anchoredReceipts(jobId: string): Promise<Outcome<readonly Receipt[]>> {
    const { business } = this.#parties;
    const receipts = await until(
      () => business.jobs.receipts(jobId),
      (all) => all.length > 0 && all.every((receipt) => receipt.state !== "pending"),
      { timeoutMs: 30_000, onChange: (all) => this.#report.progress(`${all.length} receipts`) },
    );
    const refused = receipts.find((receipt) => receipt.state === "refused");
    if (refused !== undefined) {
      throw unmet("receipt-refused", `The receipt counts for nothing: ${refused.refusedBecause}`, {
        receipt: refused,
      });
    }
    const [first] = receipts;
    const contribution = await business.contribution(present(first, "a receipt").provider);
    return {
      value: receipts,
      facts: [
        ...receipts.map((receipt) => ({
          name: `${receipt.kind} receipt`,
          value: `${receipt.receiptId} under root ${receipt.anchorRoot} in ${receipt.anchorTransactionHash}`,
        })),
        { name: "level", value: `${contribution.level}: ${contribution.levelExplanation}` },
        ...contribution.features.map((feature) => ({
          name: feature.name,
          value: `${feature.value} ${feature.unit}`,
        })),
      ],
    };
  }

  async #verify(
    { job, prepared }: InferenceOutcome,
    digit: Uint8Array,
  ): Promise<Outcome<VerificationReport>> {
    const report = await verifyJob(this.#parties.business, job.jobId, {
      input: digit,
      inputSalt: fromHex(present(prepared.inputSalt, "the salt of the input commitment")),
      onCheck: (check) => this.#report.progress(check.how),
    });
    const failed = report.checks.filter((check) => check.ok === false);
    if (!report.ok) {
      throw unmet(
        "verification-failed",
        [
          `Checked again from outside: ${verdictOf(report)}`,
          ...report.checks
            .filter((check) => check.ok === false || report.missing.includes(check.name))
            .map((check) => check.how),
        ].join(" "),
        { checks: failed, missing: report.missing },
      );
    }
    return {
      value: report,
      facts: [
        ...report.checks.map((check) => ({
          name: check.name,
          value: `${check.ok === true ? "holds" : "not checked"}: ${check.how}`,
        })),
        ...report.trusted.map((trusted) => ({ name: "trusted", value: trusted })),
      ],
    };
  }

  async #step<T>(title: string, act: () => Promise<Outcome<T>>): Promise<T> {
    this.#report.step(title);
    const startedAt = this.#clock.now();
    const { value, facts } = await act();
    this.#report.done(this.#clock.now() - startedAt, facts);
    return value;
  }
}

interface Outcome<T> {
  readonly value: T;
  readonly facts: readonly Fact[];
}

/** On a platform that has run before, the business holds its licence already. */
function heldLicence(error: unknown, modelId: number): Outcome<number> {
  if (!(error instanceof CodedError) || error.code !== "licence-already-owned") throw error;
  const licenceId = Number(error.details.licenceId);
  return {
    value: licenceId,
    facts: [{ name: "licence", value: `${licenceId} of model ${modelId}, held since an earlier run` }],
  };
}

function megas(value: number | undefined): string {
  return value === undefined ? "?" : (value / 1e6).toFixed(0);
}

/** Beyond this many models a new one is trained. */
const MOST_PAGES = 20;

/** What an earlier run published: the developer may have other models, which read no digits. */
async function digitModelOf(developer: AiosClient): Promise<Model | undefined> {
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const { items, nextCursor } = await developer.models.list(cursor);
    const own = items.find(
      ({ owner, modelId, name }) =>
        owner.toLowerCase() === developer.account && modelId !== null && name === MODEL_NAME,
    );
    if (own !== undefined || nextCursor === null) return own;
    cursor = nextCursor;
  }
  return undefined;
}
