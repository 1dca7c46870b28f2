import {
  describeFeatures,
  type FeatureLine,
  LEVEL_WITHOUT_MODEL,
  LEVEL_WITHOUT_MODEL_EXPLANATION,
} from "@aios/core-contribution/feature-report";
import { featuresOf } from "@aios/core-contribution/features";
import type { Clock } from "@aios/kernel/clock";
import type { Address } from "@aios/kernel/identifiers";
import type { ReceiptStore } from "../domain/ports.js";

/** 30 slots of 3 seconds. */
const EPOCH_MS = 90_000;
const MAX_RECEIPTS = 10_000;

export interface Contribution {
  readonly account: Address;
  readonly epoch: number;
  readonly level: bigint;
  readonly levelExplanation: string;
  readonly features: readonly FeatureLine[];
  readonly countedReceipts: number;
}

/** What an account contributed, from its anchored receipts and nothing else. */
export class MeasureContributionUseCase {
  constructor(
    private readonly store: ReceiptStore,
    private readonly clock: Clock,
  ) {}

  async execute(account: Address): Promise<Contribution> {
    const features = featuresOf(account, await this.store.evidenceFor(account, MAX_RECEIPTS));
    return {
      account,
      epoch: Math.floor(this.clock.now() / EPOCH_MS),
      level: LEVEL_WITHOUT_MODEL,
      levelExplanation: LEVEL_WITHOUT_MODEL_EXPLANATION,
      features: describeFeatures(features),
      countedReceipts: features.countedReceipts,
    };
  }
}
