import type { Features } from "./features.js";

export interface FeatureLine {
  readonly name: string;
  readonly unit: string;
  readonly value: bigint;
  readonly explanation: string;
}

/** The seven features as lines for people: one leading integer each, the rest in the sentence. */
export function describeFeatures(features: Features): readonly FeatureLine[] {
  return [
    {
      name: "resource-delivery-time",
      unit: "basis points of the promised time, 95th percentile",
      value: features.deliveryP95Bps,
      explanation: `Half of the work took at most ${features.deliveryP50Bps} and 95% at most ${features.deliveryP95Bps} of 10000 basis points of the promised time.`,
    },
    {
      name: "space-time",
      unit: "device-milliseconds",
      value: features.deviceMilliseconds,
      explanation: `${features.deviceMilliseconds} device-milliseconds of proven compute and ${features.byteSeconds} byte-seconds of data shown to be held.`,
    },
    {
      name: "first-data-contribution",
      unit: "bytes",
      value: features.firstContributionBytes,
      explanation: `${features.firstContributionBytes} bytes that nobody contributed before.`,
    },
    {
      name: "additional-contribution",
      unit: "bytes",
      value: features.additionalContributionBytes,
      explanation: `${features.additionalContributionBytes} bytes made from data that others contributed.`,
    },
    {
      name: "replicated-contribution",
      unit: "bytes",
      value: features.replicatedBytes,
      explanation: `${features.replicatedBytes} bytes held of data that others contributed.`,
    },
    {
      name: "occupancy",
      unit: "basis points of the promised service time",
      value: features.occupancyBps,
      explanation: `${features.occupancyBps} of 10000 basis points of the service time promised were served.`,
    },
    {
      name: "data-health",
      unit: "distinct payers",
      value: features.distinctPayers,
      explanation: `${features.distinctPayers} different accounts paid, for ${features.payingReads} reads and runs among other work; ${features.auditPassBps} of 10000 basis points of the storage audits passed.`,
    },
  ];
}

/**
 * The level that no model has computed yet: 0 for everyone until a first learning cycle has trained one.
 */
export const LEVEL_WITHOUT_MODEL = 0n;
export const LEVEL_WITHOUT_MODEL_EXPLANATION =
  "Levels are 0 until a first learning cycle has trained a contribution model; the features below are what it will read.";
