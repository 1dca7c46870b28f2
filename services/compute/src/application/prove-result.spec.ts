import { ManualClock } from "@aios/kernel/clock";
import { address } from "@aios/kernel/identifiers";
import { expect, it } from "vitest";
import {
  RIGHT_OUTPUT,
  SETTLE_WITHIN_SECONDS,
  sampleJob,
  sampleResult,
  WRONG_OUTPUT,
} from "../../test/support/sample-job.js";
import { claimedOutput } from "../domain/counted-output.js";
import type { Job } from "../domain/job.js";
import { complete, leaseTermsFor, NO_PROOF, offer } from "../domain/job-transitions.js";
import { nextStep } from "../domain/next-step.js";
import type { JobStore, ProofOutcome } from "../domain/ports.js";
import { ProveResult } from "./prove-result.js";

const PROVIDER = address(`0x${"c3".repeat(20)}`);
const POLICY = { clockMarginMs: 1_000, deliverMarginMs: 10_000 };

/** A job whose output lies here, delivered on chain, and waits for its proof. */
function deliveredJob(): Job {
  const funded = { ...sampleJob("proof"), state: "funded" as const };
  const terms = leaseTermsFor(funded, PROVIDER, 10n, 1_000);
  const offered = offer(funded, { provider: PROVIDER, terms, offerExpiresAtMs: 1 }, 0);
  const [lease] = offered.leases;
  if (lease === undefined) throw new TypeError("no lease");
  const leased = { ...offered, state: "leased" as const, leases: [{ ...lease, state: "leased" as const }] };
  return { ...complete(leased, 1, sampleResult(leased.jobId, 1), 0), state: "delivered" };
}

it("forgets what the prover says of an output that has stopped to count", async () => {
  let job = deliveredJob();
  const jobs: Pick<JobStore, "change"> = {
    async change(_jobId, work) {
      job = work(job)?.job ?? job;
      return job;
    },
  };
  const asked: string[] = [];
  const proven: ProofOutcome = { state: "proven", evidence: "0x01", evidenceCid: "bafy", error: undefined };
  const request = async (of: Job): Promise<ProofOutcome> => {
    asked.push(claimedOutput(of));
    // While the prover works, word comes that the provider delivered something else on chain.
    if (asked.length === 1)
      job = {
        ...job,
        held: { output: WRONG_OUTPUT, outputHash: WRONG_OUTPUT, blockNumber: 1 },
        proof: NO_PROOF,
      };
    return proven;
  };
  const proving = new ProveResult(jobs, { request }, new ManualClock());
  await proving.request(job, 1, 1);
  expect(job.proof).toEqual(NO_PROOF);
  await proving.request(job, 1, 1);
  expect(asked).toEqual([RIGHT_OUTPUT, WRONG_OUTPUT]);
  expect(job.proof.state).toBe("proven");
});

it("asks for a proof that cannot be made a few times, then says why and leaves the job to its refund", async () => {
  let job = deliveredJob();
  const jobs: Pick<JobStore, "change"> = {
    async change(_jobId, work) {
      job = work(job)?.job ?? job;
      return job;
    },
  };
  const error = { code: "worker-lost", message: "The prover ended 5 times.", detailsJson: "{}" };
  const failed: ProofOutcome = { state: "failed", evidence: "", evidenceCid: "", error };
  const clock = new ManualClock();
  const proving = new ProveResult(jobs, { request: async () => failed }, clock);
  const attempts: number[] = [];
  for (let round = 0; round < 50; round++) {
    const step = nextStep(job, clock.now(), POLICY);
    if (step.kind === "request-proof") {
      attempts.push(step.attempt);
      await proving.request(job, step.fencingToken, step.attempt);
    } else if (step.kind === "wait" && job.proof.state !== "failed") {
      clock.advance((step.untilMs ?? 0) - clock.now());
    }
  }
  expect(attempts).toEqual([1, 2, 3, 4, 5]);
  expect(job).toMatchObject({ state: "delivered", error, proof: { state: "failed" } });
  expect(job.steps.at(-1)).toMatchObject({ name: "unproven", note: "worker-lost" });
  const refundAtMs = (SETTLE_WITHIN_SECONDS + 1) * 1_000 + 1;
  expect(nextStep(job, clock.now(), POLICY)).toEqual({ kind: "wait", untilMs: refundAtMs });
  expect(nextStep(job, refundAtMs, POLICY)).toMatchObject({ kind: "submit", step: "refund" });
});
