import { JobState } from "@aios/proto/aios/compute/v1/compute";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ComputePlatform } from "../support/compute-platform.js";
import { FakeProvider } from "../support/fake-provider.js";

/** One point on either side of each boundary between storing and acting, in the order of a job's way. */
const POINTS = [
  "compute.place.after-store",
  "compute.open.before-submit",
  "compute.open.after-submit",
  "compute.event.after-handling",
  "compute.funded.after-store",
  "compute.offer.before-send",
  "compute.offer.after-send",
  "compute.agree.after-store",
  "compute.lease.before-submit",
  "compute.lease.after-submit",
  "compute.leased.after-store",
  "compute.grant.after-send",
  "compute.result.after-store",
  "compute.proof.before-request",
  "compute.proof.after-request",
  "compute.deliver.after-submit",
  "compute.settle.before-submit",
  "compute.settle.after-submit",
];
/** No deadline takes the job from its provider meanwhile. */
const PATIENT = { PROVIDER_GRACE: "10m", DELIVER_WITHIN_INFERENCE: "10m" };

let platform: ComputePlatform;
let provider: FakeProvider;

beforeAll(async () => {
  platform = await ComputePlatform.start(PATIENT);
  provider = new FakeProvider(platform.url);
  await provider.connect();
});
afterAll(async () => {
  provider?.vanish();
  await platform?.stop();
});

it("finishes each job once, though the service is killed at every point of a job's way", async () => {
  const crashes = await platform.dieOnceAt(POINTS);
  const jobs: string[] = [];
  // Whoever goes on with a job after a death may have no need of the next step.
  while (crashes.ahead().length > 0 && jobs.length < POINTS.length) {
    const jobId = await platform.placeJob({}, 240_000);
    await platform.reaches(jobId, JobState.JOB_STATE_SETTLED, 240_000);
    jobs.push(jobId);
  }
  await crashes.done;
  const paid = platform.chain.payments.map((payment) => payment.jobId);
  expect(paid.toSorted()).toEqual(jobs.toSorted());
}, 600_000);
