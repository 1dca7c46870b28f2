import { join } from "node:path";
import { JobState } from "@aios/proto/aios/compute/v1/compute";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ComputePlatform } from "../support/compute-platform.js";
import { FakeProvider } from "../support/fake-provider.js";

/** One point on either side of each boundary between storing and acting. */
const POINTS = [
  "compute.place.after-store",
  "compute.open.before-submit",
  "compute.open.after-submit",
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
  "compute.event.after-handling",
];

let platform: ComputePlatform;
let provider: FakeProvider;

beforeAll(async () => {
  platform = await ComputePlatform.start({ PROVIDER_GRACE: "20s" });
  provider = new FakeProvider(platform.url);
  await provider.connect();
});
afterAll(async () => {
  provider?.vanish();
  await platform?.stop();
});

describe("a killed service", () => {
  it.each(POINTS)("finishes the job once after dying at %s", async (point) => {
    await platform.service.restart({
      AIOS_CRASH_AT: `${point}=${join(platform.directory.path, `${point}.crashed`)}`,
    });
    const died = platform.service.ended();
    const placing = platform.placeJob();
    expect((await died).signal).toBe("SIGKILL");
    await platform.service.restart();
    const jobId = await placing;
    await platform.reaches(jobId, JobState.JOB_STATE_SETTLED, 40_000);
    expect(platform.chain.payments.filter((payment) => payment.jobId === jobId)).toHaveLength(1);
  });
});
