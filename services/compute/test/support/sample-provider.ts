import { type Address, jobId } from "@aios/kernel/identifiers";
import type { Job, LeaseState } from "../../src/domain/job.js";
import { leaseTermsFor } from "../../src/domain/job-transitions.js";
import type { ProviderRecord } from "../../src/domain/provider.js";
import { sampleJob } from "./sample-job.js";

/** A healthy provider of one slot a job kind. */
export function sampleProvider(
  change: Partial<ProviderRecord> & Pick<ProviderRecord, "address">,
): ProviderRecord {
  return {
    name: "sample",
    capabilities: {
      cpuCores: 2,
      memoryBytes: 4 * 1024 ** 3,
      diskBytes: 0,
      gpus: [],
      jobKinds: ["inference", "training"],
      maxParallelJobs: 2,
      softwareVersion: "1.0.0",
    },
    selfTest: {
      evaluatorMacsPerSecond: 100_000_000,
      trainingSamplesPerSecond: 5_000,
      resultHash: `0x${"00".repeat(32)}`,
      measuredAtMs: 1,
      signature: "0x",
    },
    priceWei: { inference: "5" },
    registered: true,
    stakedWei: "10",
    registrationTransactionHash: "",
    draining: false,
    lastSeenMs: 1_800_000_000_000,
    ...change,
  };
}

/** A job whose first lease is the provider's, in the state. */
export function leasedJob(index: number, provider: Address, state: LeaseState): Job {
  const job = sampleJob("none", jobId(`0x${index.toString(16).padStart(64, "0")}`));
  const lease = {
    role: "lease" as const,
    fencingToken: 1,
    provider,
    state,
    terms: leaseTermsFor(job, provider, 1n, 1),
    signature: "",
    offeredAtMs: 0,
    offerExpiresAtMs: 0,
    leasedAtMs: 0,
    deliverByMs: 0,
    leaseTransactionHash: "",
    result: undefined,
    failure: undefined,
    endedBecause: "",
  };
  return { ...job, leases: [lease] };
}
