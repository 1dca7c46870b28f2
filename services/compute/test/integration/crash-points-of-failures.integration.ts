import { JobState, Verification } from "@aios/proto/aios/compute/v1/compute";
import { eventually } from "@aios/testkit/eventually";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ComputePlatform } from "../support/compute-platform.js";
import { type Behaviour, FakeProvider } from "../support/fake-provider.js";

let platform: ComputePlatform;
const providers: FakeProvider[] = [];

beforeAll(async () => {
  platform = await ComputePlatform.start();
});
afterEach(() => {
  for (const provider of providers.splice(0)) provider.vanish();
});
afterAll(() => platform?.stop());

async function connected(behaviour: Partial<Behaviour> = {}): Promise<FakeProvider> {
  const provider = new FakeProvider(platform.url, behaviour);
  providers.push(provider);
  await provider.connect();
  return provider;
}

/** Before and after it hands the step's transaction in. */
const bothSidesOf = (step: string): string[] =>
  ["before-submit", "after-submit"].map((side) => `compute.${step}.${side}`);

const paid = (jobId: string) => platform.chain.payments.filter((payment) => payment.jobId === jobId);

describe("a service killed before and after what seldom happens", () => {
  it("registers a provider", async () => {
    const { done } = await platform.dieOnceAt(bothSidesOf("register"));
    const newcomer = new FakeProvider(platform.url);
    providers.push(newcomer);
    await newcomer.connect().catch(() => undefined);
    await done;
    await eventually(() => {
      expect(newcomer.received.some(({ welcome }) => welcome !== undefined)).toBe(true);
    }, 20_000);
    expect(platform.chain.activeProviders).toContain(newcomer.address);
  });

  it("takes a lease back from a provider that is gone, and pays the next", async () => {
    const { done } = await platform.dieOnceAt(bothSidesOf("release"));
    const gone = await connected({ manner: "silent", priceWei: "10" });
    const jobId = await platform.placeJob();
    await platform.reaches(jobId, JobState.JOB_STATE_LEASED);
    gone.vanish();
    await done;
    const next = await connected();
    await platform.reaches(jobId, JobState.JOB_STATE_SETTLED);
    expect(paid(jobId)).toEqual([{ jobId, provider: next.address }]);
  });

  it("refutes a wrong output that is on chain, and pays the next", async () => {
    const { done } = await platform.dieOnceAt(bothSidesOf("refute"), {
      DELIVER_WITHIN_INFERENCE: "4s",
      DELIVER_MARGIN: "1s",
    });
    await connected({ output: 8n, priceWei: "10" });
    platform.peers.proofMs = 4_000;
    const jobId = await platform.placeJob();
    await platform.reaches(jobId, JobState.JOB_STATE_DELIVERED);
    platform.peers.proofMs = 20;
    await done;
    const next = await connected();
    await platform.reaches(jobId, JobState.JOB_STATE_SETTLED);
    expect(paid(jobId)).toEqual([{ jobId, provider: next.address }]);
  });

  it("gives an order that nobody took back to its buyer", async () => {
    const { done } = await platform.dieOnceAt(bothSidesOf("refund"), { LEASE_WITHIN: "6s" });
    await connected({ manner: "refusing" });
    const jobId = await platform.placeJob();
    await done;
    await platform.reaches(jobId, JobState.JOB_STATE_REFUNDED);
    expect(paid(jobId)).toEqual([]);
  });

  it("settles an unproven delivery when its window is over, once", async () => {
    const { done } = await platform.dieOnceAt(bothSidesOf("finish"));
    const provider = await connected();
    const jobId = await platform.placeJob({ verification: Verification.VERIFICATION_NONE });
    await done;
    await platform.reaches(jobId, JobState.JOB_STATE_SETTLED);
    expect(paid(jobId)).toEqual([{ jobId, provider: provider.address }]);
  });
});
