import { type Address, address } from "@aios/kernel/identifiers";
import { systemClock } from "@aios/service-kit/system-clock";
import { describe, expect, it } from "vitest";
import { sampleJob } from "../../test/support/sample-job.js";
import type { Job, JobTerms } from "../domain/job.js";
import { leaseTermsFor, offer } from "../domain/job-transitions.js";
import { CheckLease, type LeaseStanding } from "./check-lease.use-case.js";

const PROVIDER = address(`0x${"c3".repeat(20)}`);
const MODEL_OWNER = address(`0x${"a1".repeat(20)}`);

function leasedJob(terms: Partial<JobTerms>): Job {
  const job = { ...sampleJob(), state: "funded" as const };
  const lease = { provider: PROVIDER, terms: leaseTermsFor(job, PROVIDER, 10n, 1_000), offerExpiresAtMs: 1 };
  const offered = offer(job, lease, 0);
  return {
    ...offered,
    terms: { ...offered.terms, ...terms },
    leases: offered.leases.map((each) => ({
      ...each,
      state: "leased" as const,
      deliverByMs: systemClock.now() + 60_000,
    })),
  };
}

function standingOf(job: Job, provider: Address = PROVIDER): Promise<LeaseStanding> {
  return new CheckLease({ find: async () => job }, systemClock).execute(job.jobId, 1, provider);
}

describe("a lease's standing", () => {
  it("names who published the model of the job, so that nobody else's content goes with it", async () => {
    const job = leasedJob({ modelOwner: MODEL_OWNER });
    expect(await standingOf(job)).toMatchObject({ live: true, modelId: 1, modelOwner: MODEL_OWNER });
  });

  it("names nobody for training or for a lease that is another provider's", async () => {
    const training = leasedJob({ modelOwner: "" });
    expect(await standingOf(training)).toMatchObject({ live: true, modelOwner: "" });
    const stranger = await standingOf(leasedJob({ modelOwner: MODEL_OWNER }), MODEL_OWNER);
    expect(stranger).toMatchObject({ live: false, modelOwner: "", contentCids: [] });
  });
});
