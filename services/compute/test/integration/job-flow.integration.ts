import type { CodedError } from "@aios/kernel/coded-error";
import { JobState, Verification } from "@aios/proto/aios/compute/v1/compute";
import { createPool } from "@aios/service-kit/postgres-pool";
import { eventually } from "@aios/testkit/eventually";
import { getBytes, Wallet } from "ethers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { forgetPlacements } from "../../src/adapters/prisma/placement-history.js";
import { ComputePlatform, IMAGE } from "../support/compute-platform.js";
import { COLOUR_MODEL, UNLICENSED_MODEL } from "../support/fake-peers.js";
import { type Behaviour, FakeProvider } from "../support/fake-provider.js";

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

describe("bad input", () => {
  const refused = (code: string, facts: Record<string, unknown> = {}) =>
    expect.objectContaining({ code, ...facts });

  it("names the field of an image of the wrong shape", async () => {
    const spec = { inference: { modelId: 1, input: IMAGE.subarray(1) } };
    await expect(platform.prepare({ spec })).rejects.toEqual(
      refused("input-shape", { field: "inference.input", kind: "unprocessable" }),
    );
  });

  it("takes an input of the shape that the model declares, whatever it is, and no other", async () => {
    await provider();
    const quote = (input: Uint8Array) =>
      platform.as(platform.buyer, () =>
        platform.client.quoteJob({ spec: { inference: { modelId: COLOUR_MODEL, input } } }),
      );
    expect((await quote(new Uint8Array(12))).quotes.length).toBeGreaterThan(0);
    await expect(quote(IMAGE)).rejects.toMatchObject({
      code: "input-shape",
      field: "inference.input",
      message: "The input must be exactly 12 bytes (3 × 2 × 2, one byte each), not 784.",
    });
    await expect(quote(new Uint8Array(0))).rejects.toMatchObject({ code: "input-size" });
  });

  it.each([
    ["epochs", { epochs: 0 }],
    ["layers", { layers: [784, 10_000, 10] }],
    ["seed", { seed: 2 ** 40 }],
  ])("bounds a training's %s", async (field, change) => {
    const training = {
      dataSet: "mnist-digits",
      seed: 1,
      epochs: 1,
      batchSize: 32,
      layers: [784, 10],
      trainPerClass: 10,
      testPerClass: 10,
      shiftAugmentation: false,
      ...change,
    };
    const request = {
      spec: { training },
      verification: Verification.VERIFICATION_NONE,
      outputRecipientPublicKey: new Uint8Array(32),
    };
    const outcome =
      field === "seed"
        ? platform.prepare({ ...request, spec: { training: { ...training, seed: 0xffffffff, epochs: 51 } } })
        : platform.prepare(request);
    await expect(outcome).rejects.toEqual(refused("training-out-of-range"));
  });

  it("asks for a licence and names its price", async () => {
    await provider();
    const spec = { inference: { modelId: UNLICENSED_MODEL, input: IMAGE } };
    await expect(platform.prepare({ spec })).rejects.toEqual(
      refused("licence-required", {
        kind: "payment-required",
        details: expect.objectContaining({ licencePriceWei: "250" }),
      }),
    );
  });

  it("passes on that there is no such model", async () => {
    const spec = { inference: { modelId: 99, input: IMAGE } };
    await expect(platform.prepare({ spec })).rejects.toEqual(
      refused("model-not-found", { kind: "not-found" }),
    );
  });

  it("refuses a cap below every offer and names the cheapest", async () => {
    await provider();
    await expect(platform.prepare({ priceCapWei: "20" })).rejects.toEqual(
      refused("price-cap-too-low", {
        kind: "conflict",
        details: expect.objectContaining({ capWei: "20", cheapestWei: expect.stringMatching(/^[0-9]+$/) }),
      }),
    );
  });

  it("answers the same key with the same job and refuses another body under it", async () => {
    await provider();
    const idempotencyKey = "same-key";
    const [first, second] = await Promise.all([
      platform.prepare({ idempotencyKey }),
      platform.prepare({ idempotencyKey }),
    ]);
    expect(second.job?.jobId).toBe(first.job?.jobId);
    expect(second.inputSalt).toEqual(first.inputSalt);
    await expect(platform.prepare({ idempotencyKey, priceCapWei: "5001" })).rejects.toEqual(
      refused("idempotency-key-reused", { kind: "conflict" }),
    );
  });

  it("keeps others from a job", async () => {
    await provider();
    const { job } = await platform.prepare();
    const stranger = Wallet.createRandom();
    const read = platform.as(stranger, () => platform.client.getJob({ jobId: job?.jobId ?? "" }));
    await expect(read).rejects.toEqual(refused("not-your-job", { kind: "forbidden" }));
    await expect(platform.client.getJob({ jobId: job?.jobId ?? "" })).rejects.toEqual(
      refused("sign-in-required", { kind: "unauthenticated" }),
    );
    const missing = platform.as(stranger, () => platform.client.getJob({ jobId: `0x${"ab".repeat(32)}` }));
    await expect(missing).rejects.toEqual(refused("job-not-found", { kind: "not-found" }));
  });

  it("refuses missing, malformed and foreign signatures", async () => {
    await provider();
    const { job, toSign } = await platform.prepare();
    const jobId = job?.jobId ?? "";
    const place = (signatures: { name: string; signature: Uint8Array }[]) =>
      platform.as(platform.buyer, () => platform.client.placeJob({ jobId, signatures }));
    await expect(place([])).rejects.toEqual(refused("signature-missing", { kind: "unprocessable" }));
    await expect(place([{ name: "order", signature: getBytes("0x1234") }])).rejects.toEqual(
      refused("signature-malformed"),
    );
    const foreign = await platform.signatures(toSign, Wallet.createRandom());
    await expect(place(foreign)).rejects.toEqual(refused("signature-not-yours", { kind: "unauthenticated" }));
  });

  it("says before placing that the buyer cannot pay", async () => {
    await provider();
    const poor = platform.account;
    platform.chain.refusedBuyers.set(poor, "ERC20InsufficientBalance");
    const { job, toSign } = await platform.prepare();
    const signatures = await platform.signatures(toSign);
    const placed = platform.as(platform.buyer, () =>
      platform.client.placeJob({ jobId: job?.jobId ?? "", signatures }),
    );
    await expect(placed).rejects.toEqual(refused("insufficient-funds", { kind: "unprocessable" }));
    platform.chain.refusedBuyers.delete(poor);
  });

  it("renews a permit that another one overtook; the order stands", async () => {
    await provider();
    const buyer = platform.account;
    const { job, toSign } = await platform.prepare();
    const jobId = job?.jobId ?? "";
    const place = (signatures: Awaited<ReturnType<typeof platform.signatures>>) =>
      platform.as(platform.buyer, () => platform.client.placeJob({ jobId, signatures }));
    const stale = await platform.signatures(toSign);
    platform.chain.refusedBuyers.set(buyer, "InsufficientAllowance");
    platform.chain.permitNonce = 7n;
    const refusal = await place(stale).then(
      () => undefined,
      (error: CodedError) => error,
    );
    expect(refusal).toMatchObject({ code: "permit-stale", details: { permit: { message: { nonce: "7" } } } });
    platform.chain.refusedBuyers.delete(buyer);
    await expect(place(stale)).rejects.toMatchObject({ kind: "unauthenticated", field: "signatures.permit" });
    const order = toSign.filter(({ name }) => name === "order");
    const permit = { name: "permit", typedDataJson: JSON.stringify(refusal?.details["permit"]) };
    await place(await platform.signatures([...order, permit]));
    await platform.reaches(jobId, JobState.JOB_STATE_SETTLED);
    platform.chain.permitNonce = 0n;
  });

  it("asks to sign again when another permit reaches the chain first, and goes on under the same job", async () => {
    await provider();
    const { job, toSign } = await platform.prepare();
    const jobId = job?.jobId ?? "";
    const signatures = await platform.signatures(toSign);
    const place = () => platform.as(platform.buyer, () => platform.client.placeJob({ jobId, signatures }));
    platform.chain.overtakenBuyers.add(platform.account);
    await place();
    const asked = await platform.reaches(jobId, JobState.JOB_STATE_PREPARED);
    expect(asked.error?.code).toBe("permit-stale");
    expect(platform.chain.jobs.has(jobId)).toBe(false);
    await place();
    const settled = await platform.reaches(jobId, JobState.JOB_STATE_SETTLED);
    expect(settled.error).toBeUndefined();
    expect(platform.chain.payments.filter((payment) => payment.jobId === jobId)).toHaveLength(1);
  });
});

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
