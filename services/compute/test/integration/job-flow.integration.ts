import { JobState, Verification } from "@aios/proto/aios/compute/v1/compute";
import { createPool } from "@aios/service-kit/postgres-pool";
import { eventually } from "@aios/testkit/eventually";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { forgetPlacements } from "../../src/adapters/prisma/placement-history.js";
import { ComputePlatform } from "../support/compute-platform.js";
import { type Behaviour, FakeProvider } from "../support/fake-provider.js";
import { badInput } from "./bad-input.js";

let platform: ComputePlatform;
const providers: FakeProvider[] = [];

async function provider(behaviour: Partial<Behaviour> = {}): Promise<FakeProvider> {
  const made = new FakeProvider(platform.url, behaviour);
  providers.push(made);
  await made.connect();
  return made;
}

function paidOnce(jobId: string, to?: FakeProvider): void {
  const payments = platform.chain.payments.filter((payment) => payment.jobId === jobId);
  expect(payments).toHaveLength(1);
  if (to !== undefined) expect(payments[0]?.provider).toBe(to.address);
}

beforeAll(async () => {
  platform = await ComputePlatform.start({
    DELIVER_WITHIN_INFERENCE: "4s",
    DELIVER_MARGIN: "1s",
    PROVIDER_GRACE: "1s",
  });
});
afterAll(() => platform?.stop());
afterEach(() => {
  for (const one of providers.splice(0)) one.vanish();
});

describe("a job", () => {
  it("goes from order to a proven, settled inference, with its steps, receipt and placement", async () => {
    const honest = await provider();
    const startedAt = performance.now();
    const jobId = await platform.placeJob();
    const job = await platform.reaches(jobId, JobState.JOB_STATE_SETTLED);
    console.log(`request to settled: ${Math.round(performance.now() - startedAt)} ms`);
    paidOnce(jobId, honest);
    expect(job.steps.map((step) => step.name)).toEqual([
      "prepared",
      "signed",
      "funded",
      "matched",
      "leased",
      "computed",
      "proven",
      "delivered",
      "settled",
    ]);
    expect(BigInt(`0x${Buffer.from(job.output).toString("hex")}`)).toBe(7n);
    expect(job.provider).toBe(honest.address);
    const receipt = JSON.parse(job.receiptJson) as { message: Record<string, string>; signature: string };
    expect(receipt.message["provider"]).toBe(honest.address);
    expect(honest.received.some((message) => message.resultAcknowledged?.jobId === jobId)).toBe(true);
    const explained = await platform.as(platform.buyer, () =>
      platform.client.explainPlacement({ jobId, provider: "" }),
    );
    expect(explained.placements[0]?.candidates.find((candidate) => candidate.chosen)?.provider).toBe(
      honest.address,
    );
    const deposit = platform.peers.deposits.find(({ leaseScopes }) => leaseScopes.includes(`job:${jobId}`));
    expect(deposit?.servicePurposes).toEqual(["proof"]);
  });

  it("publishes the settled job's receipt once", async () => {
    await provider();
    const jobId = await platform.placeJob();
    await platform.reaches(jobId, JobState.JOB_STATE_SETTLED);
    const seen: string[] = [];
    const subscription = await platform.bus.subscribe({
      group: `test-${jobId.slice(0, 10)}`,
      topics: [{ name: "compute.v1.receipt.issued", partitions: 8, retentionMs: 1_000_000 }],
      handler: async (event) => void seen.push(event.key),
    });
    await eventually(() => expect(seen).toContain(jobId));
    await subscription.close();
    expect(seen.filter((key) => key === jobId)).toHaveLength(1);
  });

  it("waits for the challenge window of an unproven training, and settles", async () => {
    const honest = await provider();
    const jobId = await platform.placeJob({
      spec: {
        training: {
          dataSet: "mnist-digits",
          seed: 1,
          epochs: 2,
          batchSize: 32,
          layers: [784, 128, 10],
          trainPerClass: 700,
          testPerClass: 200,
          shiftAugmentation: true,
        },
      },
      verification: Verification.VERIFICATION_NONE,
      outputRecipientPublicKey: new Uint8Array(32).fill(9),
    });
    const job = await platform.reaches(jobId, JobState.JOB_STATE_SETTLED);
    expect(job.steps.map((step) => step.name)).toContain("pending");
    expect(job.outputCid).toBe("bafkreitrainingoutputaaaaaaaaaaaa");
    paidOnce(jobId, honest);
  });

  it("settles on the buyer's signed acceptance before the window ends", async () => {
    platform.chain.challengeWindowSeconds = 3_600;
    await provider();
    const jobId = await platform.placeJob({ verification: Verification.VERIFICATION_NONE });
    await platform.reaches(jobId, JobState.JOB_STATE_PENDING);
    const { toSign } = await platform.as(platform.buyer, () => platform.client.prepareAcceptance({ jobId }));
    const signatures = await platform.signatures(toSign);
    await platform.as(platform.buyer, () => platform.client.acceptJob({ jobId, signatures }));
    await platform.reaches(jobId, JobState.JOB_STATE_SETTLED);
    platform.chain.challengeWindowSeconds = 1;
    paidOnce(jobId);
  });

  it.each(["silent", "deaf", "refusing", "forger", "failing", "boaster"] as const)(
    "goes to another provider when the cheapest is %s",
    async (manner) => {
      const bad = await provider({ manner, priceWei: "10" });
      const good = await provider();
      const jobId = await platform.placeJob();
      const job = await platform.reaches(jobId, JobState.JOB_STATE_SETTLED, 30_000);
      expect(job.provider).toBe(good.address);
      paidOnce(jobId, good);
      if (manner === "forger") expect(bad.refusals()).toContain("receipt-forged");
      if (manner === "boaster") expect(bad.refusals()).toContain("receipt-mismatch");
    },
  );

  it("takes the job from a provider whose output the prover finds wrong, and says so", async () => {
    const wrong = await provider({ output: 8n, priceWei: "10" });
    const good = await provider();
    const jobId = await platform.placeJob();
    const job = await platform.reaches(jobId, JobState.JOB_STATE_SETTLED);
    expect(job.provider).toBe(good.address);
    paidOnce(jobId, good);
    const { placements } = await platform.as(platform.buyer, () =>
      platform.client.explainPlacement({ jobId, provider: "" }),
    );
    expect(placements[0]?.endedBecause).toBe("wrong-output");
    const again = placements[1]?.candidates.find((candidate) => candidate.provider === wrong.address);
    expect(again?.removedBy).toBe("burned-lease");
  });

  it("takes a wrong output back from the chain when it was delivered before its proof, and pays another", async () => {
    const wrong = await provider({ output: 8n, priceWei: "10" });
    platform.peers.proofMs = 4_000;
    const jobId = await platform.placeJob();
    await platform.reaches(jobId, JobState.JOB_STATE_DELIVERED);
    platform.peers.proofMs = 20;
    const good = await provider();
    const job = await platform.reaches(jobId, JobState.JOB_STATE_SETTLED);
    expect(job.provider).toBe(good.address);
    paidOnce(jobId, good);
    const steps = job.steps.map((step) => step.name);
    expect(steps.slice(steps.indexOf("delivered"))).toEqual([
      "delivered",
      "disproven",
      "released",
      "matched",
      "leased",
      "computed",
      "proven",
      "delivered",
      "settled",
    ]);
    const { placements } = await platform.as(platform.buyer, () =>
      platform.client.explainPlacement({ jobId, provider: "" }),
    );
    expect(placements[0]?.endedBecause).toBe("wrong-output");
    expect(wrong.refusals()).toEqual([]);
  });

  it("replaces a provider that vanishes with its lease", async () => {
    const gone = await provider({ manner: "silent", priceWei: "10" });
    const jobId = await platform.placeJob();
    await platform.reaches(jobId, JobState.JOB_STATE_LEASED);
    gone.vanish();
    const good = await provider();
    await platform.reaches(jobId, JobState.JOB_STATE_SETTLED);
    paidOnce(jobId, good);
  });

  it("refuses a result under an old fencing token, by name", async () => {
    const slow = await provider({ manner: "silent", priceWei: "10" });
    const jobId = await platform.placeJob();
    const grant = await eventually(() => {
      const found = slow.received.find((message) => message.leaseGranted?.jobId === jobId)?.leaseGranted;
      if (found === undefined) throw new Error("no grant yet");
      return found;
    });
    const good = await provider();
    await platform.reaches(jobId, JobState.JOB_STATE_SETTLED, 30_000);
    slow.send(await slow.result(grant));
    await eventually(() => expect(slow.refusals()).toContain("stale-fencing-token"));
    paidOnce(jobId, good);
  });

  it("waits with advice while nobody can take it, and starts when somebody comes", async () => {
    const first = await provider();
    const { job, toSign } = await platform.prepare();
    first.vanish();
    const jobId = job?.jobId ?? "";
    const signatures = await platform.signatures(toSign);
    await platform.as(platform.buyer, () => platform.client.placeJob({ jobId, signatures }));
    await platform.reaches(jobId, JobState.JOB_STATE_FUNDED);
    const advice = await eventually(async () => {
      const explained = await platform.as(platform.buyer, () =>
        platform.client.explainPlacement({ jobId, provider: "" }),
      );
      expect(explained.advice.length).toBeGreaterThan(0);
      return explained.advice;
    });
    expect(advice.join(" ")).toContain("not connected");
    await provider();
    await platform.reaches(jobId, JobState.JOB_STATE_SETTLED);
    paidOnce(jobId);
  });

  it("runs many at once, each paid once", async () => {
    await provider();
    await provider();
    const jobIds = await Promise.all(
      Array.from({ length: 30 }, () => platform.placeJob({ verification: Verification.VERIFICATION_NONE })),
    );
    for (const jobId of jobIds) {
      await platform.reaches(jobId, JobState.JOB_STATE_SETTLED, 40_000);
      paidOnce(jobId);
    }
  });

  it("sends the job at once and at every change until it ends", async () => {
    await provider();
    const { job, toSign } = await platform.prepare();
    const jobId = job?.jobId ?? "";
    const states: JobState[] = [];
    const watching = platform.as(platform.buyer, async () => {
      for await (const update of platform.client.watchJob({ jobId })) states.push(update.job?.state ?? 0);
    });
    const signatures = await platform.signatures(toSign);
    await platform.as(platform.buyer, () => platform.client.placeJob({ jobId, signatures }));
    await watching;
    expect(states[0]).toBe(JobState.JOB_STATE_PREPARED);
    expect(states.at(-1)).toBe(JobState.JOB_STATE_SETTLED);
    expect([...states].sort((a, b) => a - b)).toEqual(states);
  });

  it("sends how far the prover is while the output is proven, and not after", async () => {
    await provider();
    platform.peers.proofMs = 400;
    try {
      const { job, toSign } = await platform.prepare();
      const jobId = job?.jobId ?? "";
      const seen: string[] = [];
      const watching = platform.as(platform.buyer, async () => {
        for await (const update of platform.client.watchJob({ jobId })) {
          const stage = update.job?.progress?.stage ?? "";
          if (stage.startsWith("proof-") && seen.at(-1) !== stage) seen.push(stage);
          if (update.job?.state === JobState.JOB_STATE_SETTLED) seen.push(`settled${stage}`);
        }
      });
      const signatures = await platform.signatures(toSign);
      await platform.as(platform.buyer, () => platform.client.placeJob({ jobId, signatures }));
      await watching;
      expect(seen).toEqual(["proof-queued", "proof-proving", "settled"]);
    } finally {
      platform.peers.proofMs = 20;
    }
  });
});

badInput(
  () => platform,
  () => provider(),
);

describe("the market of providers", () => {
  const explain = (jobId: string, about = "") =>
    platform.as(platform.buyer, () => platform.client.explainPlacement({ jobId, provider: about }));

  it("says later why it placed a job, from what it knew then, whatever came since", async () => {
    const cheap = await provider({ priceWei: "700" });
    const first = await platform.placeJob();
    await platform.reaches(first, JobState.JOB_STATE_SETTLED);
    const before = await explain(first);
    expect(before.placements[0]).toMatchObject({ considered: before.placements[0]?.candidates.length });
    cheap.vanish();
    await platform.service.restart();
    const cheaper = await provider({ priceWei: "600" });
    const second = await platform.placeJob();
    await platform.reaches(second, JobState.JOB_STATE_SETTLED);
    paidOnce(second, cheaper);
    expect(await explain(first)).toEqual(before);
    const after = await explain(second, cheap.address);
    const gone = after.placements[0]?.candidates.find((candidate) => candidate.provider === cheap.address);
    expect(gone).toMatchObject({ chosen: false, removedBy: "online" });
    expect(after.placements[0]?.removed["online"]).toBeGreaterThan(0);
    await expect(explain(second, "nobody")).rejects.toMatchObject({ field: "provider" });

    const pool = createPool({ url: platform.databaseUrl, max: 1, applicationName: "test" });
    const decidedAtMs = after.placements[0]?.decidedAtMs ?? 0;
    const offersBefore = (await pool.query("SELECT 1 FROM offer_change")).rowCount ?? 0;
    while ((await forgetPlacements(pool, decidedAtMs, 3)) > 0)
      await expect(explain(second)).resolves.toEqual(after);
    expect((await pool.query("SELECT 1 FROM offer_change")).rowCount).toBeLessThan(offersBefore);
    expect((await explain(first)).placements).toEqual([]);
    expect(await explain(second, cheap.address)).toEqual(after);
    await pool.end();
  });

  it("looks at what is stored before it gives a slot away, whatever it missed", async () => {
    const first = await provider({ priceWei: "500", maxParallelJobs: 1 });
    const second = await provider({ priceWei: "900", maxParallelJobs: 1 });
    // Another process leased the cheaper provider again; this one has not heard of it.
    const pool = createPool({ url: platform.databaseUrl, max: 1, applicationName: "test" });
    const others = await platform.placeJob();
    await platform.reaches(others, JobState.JOB_STATE_SETTLED);
    await pool.query(
      `INSERT INTO job_lease (job_id, fencing_token, tenant, provider, state, offered_at_ms, body)
       SELECT job_id, fencing_token + 1, tenant, provider, 'leased', offered_at_ms, body
       FROM job_lease WHERE job_id = $1`,
      [others],
    );
    const jobId = await platform.placeJob();
    await platform.reaches(jobId, JobState.JOB_STATE_SETTLED);
    paidOnce(jobId, second);
    await pool.query("DELETE FROM job_lease WHERE job_id = $1 AND state = 'leased'", [others]);
    expect((await explain(others)).placements[0]?.candidates.find((one) => one.chosen)?.provider).toBe(
      first.address,
    );
    await pool.end();
  });
});
