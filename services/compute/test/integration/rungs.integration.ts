import { abi as escrowAbi } from "@aios/contracts/abi/job-escrow";
import { drawCommitment, parseDrawNote } from "@aios/core-settlement/sample-draw";
import { CodedError } from "@aios/kernel/coded-error";
import { JobState, Verification } from "@aios/proto/aios/compute/v1/compute";
import { ProofSystem } from "@aios/proto/aios/prover/v1/prover";
import { eventually } from "@aios/testkit/eventually";
import { Interface, type InterfaceAbi } from "ethers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ComputePlatform, IMAGE } from "../support/compute-platform.js";
import { CONTRACTS } from "../support/fake-chain.js";
import { LARGE_MODEL, LICENSED_MODEL } from "../support/fake-peers.js";
import { type Behaviour, FakeProvider } from "../support/fake-provider.js";

const REPLICATE = { verification: Verification.VERIFICATION_REPLICATE };
const SAMPLE = { verification: Verification.VERIFICATION_SAMPLE };

let platform: ComputePlatform;
const providers: FakeProvider[] = [];

async function provider(behaviour: Partial<Behaviour> = {}): Promise<FakeProvider> {
  const made = new FakeProvider(platform.url, behaviour);
  providers.push(made);
  await made.connect();
  return made;
}

beforeAll(async () => {
  // Every sampled delivery is drawn.
  platform = await ComputePlatform.start({ SAMPLE_SHARE_BPS: "10000", PROVIDER_REST: "1s" });
});
afterAll(() => platform?.stop());
afterEach(() => {
  for (const one of providers.splice(0)) one.vanish();
});

const paymentsOf = (jobId: string) => platform.chain.payments.filter((payment) => payment.jobId === jobId);
const endsOf = async (jobId: string): Promise<readonly string[]> => {
  const { placements } = await platform.as(platform.buyer, () =>
    platform.client.explainPlacement({ jobId, provider: "" }),
  );
  return placements.map(({ endedBecause }) => endedBecause);
};

describe("quotes", () => {
  it("name every rung with its price, time and trust, and leave out what needs a second provider", async () => {
    const quote = async () => {
      const spec = { inference: { modelId: LICENSED_MODEL, input: IMAGE } };
      const { quotes } = await platform.as(platform.buyer, () => platform.client.quoteJob({ spec }));
      return new Map(quotes.map((one) => [one.verification, one]));
    };
    await provider();
    expect([...(await quote()).keys()]).not.toContain(Verification.VERIFICATION_REPLICATE);
    await expect(platform.prepare(REPLICATE)).rejects.toMatchObject({ code: "no-second-provider" });
    await provider({ priceWei: "1200" });
    const quotes = await quote();
    expect(quotes.size).toBe(5);
    const [none, replicate] = [Verification.VERIFICATION_NONE, Verification.VERIFICATION_REPLICATE].map(
      (rung) => quotes.get(rung),
    );
    expect(Number(replicate?.priceWei)).toBeGreaterThan(Number(none?.priceWei) + 1_000);
    expect(replicate?.trust).toContain("two providers");
    expect(quotes.get(Verification.VERIFICATION_SAMPLE)?.trust).toContain("10000 are drawn");
    expect(quotes.get(Verification.VERIFICATION_PROOF)?.trust).toContain("development key");
  });

  it.each(["proof-system-unavailable", "model-key-not-found", "model-key-not-ready", "model-key-failed"])(
    "give all other rungs where the prover refuses UltraHonk: %s",
    async (code) => {
      await provider();
      await provider({ priceWei: "1200" });
      const spec = { inference: { modelId: LICENSED_MODEL, input: IMAGE } };
      platform.peers.honkRefusal = new CodedError({ code, kind: "unprocessable", message: "Not here." });
      try {
        const { quotes, refusals } = await platform.as(platform.buyer, () =>
          platform.client.quoteJob({ spec }),
        );
        expect(quotes).toHaveLength(4);
        expect(refusals).toEqual([
          {
            verification: Verification.VERIFICATION_HONK,
            code,
            message: "Not here.",
            fits: Verification.VERIFICATION_UNSPECIFIED,
          },
        ]);
      } finally {
        platform.peers.honkRefusal = undefined;
      }
    },
  );
});

it("quotes name the provers that are absent, and what takes a model that is too large for one", async () => {
  await provider();
  await provider({ priceWei: "1200" });
  const spec = { inference: { modelId: LARGE_MODEL, input: IMAGE } };
  const { quotes, refusals } = await platform.as(platform.buyer, () => platform.client.quoteJob({ spec }));
  expect(quotes.find(({ verification }) => verification === Verification.VERIFICATION_PROOF)).toMatchObject({
    proofSystem: "groth16-bn254",
    absent: [{ name: "groth16-bn254-cuda", reason: "no GPU" }],
  });
  expect(refusals).toMatchObject([
    {
      verification: Verification.VERIFICATION_HONK,
      code: "model-does-not-fit",
      fits: Verification.VERIFICATION_PROOF,
    },
  ]);
});

describe("a job proven by UltraHonk", () => {
  it("is settled by that verifier, paid once", async () => {
    const honest = await provider();
    const spec = { inference: { modelId: LICENSED_MODEL, input: IMAGE } };
    const { quotes } = await platform.as(platform.buyer, () => platform.client.quoteJob({ spec }));
    const honk = quotes.find(({ verification }) => verification === Verification.VERIFICATION_HONK);
    expect(honk).toMatchObject({
      verificationGas: 1_900_000,
      trust: "Nobody for the output, but the UltraHonk key: forgeable by anybody.",
    });
    const jobId = await platform.placeJob({ verification: Verification.VERIFICATION_HONK });
    const job = await platform.reaches(jobId, JobState.JOB_STATE_SETTLED);
    expect(paymentsOf(jobId)).toEqual([{ jobId, provider: honest.address }]);
    expect(job.steps.map(({ name }) => name)).toContain("proven");
    expect(JSON.parse(job.orderJson)).toMatchObject({ verifier: CONTRACTS.HonkResultVerifier });
    expect(platform.peers.proofSystems.get(jobId)).toBe(ProofSystem.PROOF_SYSTEM_HONK);
  });
});

describe("a replicated job", () => {
  it("is computed by two providers, settled by both signatures, and needs no proof", async () => {
    const both = [await provider(), await provider()];
    const jobId = await platform.placeJob(REPLICATE);
    const job = await platform.reaches(jobId, JobState.JOB_STATE_SETTLED);
    expect(paymentsOf(jobId)).toHaveLength(1);
    expect(new Set([job.provider, job.replicaProvider])).toEqual(new Set(both.map(({ address }) => address)));
    expect(job.trust).toContain("two providers");
    const steps = job.steps.map(({ name }) => name);
    expect(steps).toContain("replicated");
    expect(steps).not.toContain("proven");
  });

  it("is settled by a proof where the second provider has left before its signature could settle", async () => {
    const both = [await provider(), await provider()];
    for (const { address } of both) platform.chain.departed.add(address);
    const jobId = await platform.placeJob(REPLICATE);
    const job = await platform.reaches(jobId, JobState.JOB_STATE_SETTLED);
    const steps = job.steps.map(({ name }) => name);
    expect(steps.slice(steps.indexOf("delivered"))).toEqual(["delivered", "proven", "settled"]);
    expect(paymentsOf(jobId)).toHaveLength(1);
  });

  it("takes the lease from a provider that computes another output, and pays an honest one", async () => {
    await provider({ priceWei: "900" });
    const liar = await provider({ output: 8n, priceWei: "950" });
    const third = await provider({ priceWei: "1100" });
    const jobId = await platform.placeJob(REPLICATE);
    const job = await platform.reaches(jobId, JobState.JOB_STATE_SETTLED, 40_000);
    expect(job.provider).toBe(third.address);
    expect(paymentsOf(jobId)).toEqual([{ jobId, provider: third.address }]);
    const matched = job.steps.find(({ note }) => note.startsWith(liar.address));
    expect(matched?.name).toBe("matched");
    expect(await endsOf(jobId)).toContain("wrong-output");
  });

  it("names a second provider whose output the prover finds wrong, and begins anew without it", async () => {
    const liar = await provider({ output: 8n, priceWei: "10" });
    const honest = [await provider(), await provider()];
    const jobId = await platform.placeJob(REPLICATE);
    const job = await platform.reaches(jobId, JobState.JOB_STATE_SETTLED, 40_000);
    expect(job.steps.find(({ name }) => name === "replica-refuted")?.note).toBe(liar.address);
    const paid = honest.map(({ address }) => address);
    expect(paid).toContain(job.provider);
    expect(paid).toContain(job.replicaProvider);
    expect(paymentsOf(jobId)).toHaveLength(1);
  });

  it("begins anew with another second provider when the first does not answer", async () => {
    await provider({ manner: "silent", priceWei: "10" });
    await provider();
    await provider();
    const jobId = await platform.placeJob(REPLICATE);
    await platform.reaches(jobId, JobState.JOB_STATE_FUNDED);
    providers[0]?.vanish();
    const job = await platform.reaches(jobId, JobState.JOB_STATE_SETTLED, 40_000);
    expect(job.provider).not.toBe(providers[0]?.address);
    expect(paymentsOf(jobId)).toHaveLength(1);
  });
});

describe("a sampled job", () => {
  it("that is drawn is proven after its delivery, and settled by the proof", async () => {
    const honest = await provider();
    const jobId = await platform.placeJob(SAMPLE);
    const job = await platform.reaches(jobId, JobState.JOB_STATE_SETTLED);
    const steps = job.steps.map(({ name }) => name);
    expect(steps.slice(steps.indexOf("delivered"))).toEqual(["delivered", "drawn", "proven", "settled"]);
    const { nonce } = JSON.parse(job.orderJson) as { nonce: string };
    const shown = parseDrawNote(job.steps.find(({ name }) => name === "drawn")?.note ?? "");
    expect(shown?.shareBps).toBe(10_000);
    expect(drawCommitment(shown?.secret ?? "0x").toString()).toBe(nonce);
    expect(paymentsOf(jobId)).toEqual([{ jobId, provider: honest.address }]);
  });

  it("whose drawn delivery is wrong is refuted: its provider is not paid and named", async () => {
    const liar = await provider({ output: 8n, priceWei: "10" });
    const honest = await provider();
    const jobId = await platform.placeJob(SAMPLE);
    const job = await platform.reaches(jobId, JobState.JOB_STATE_SETTLED, 40_000);
    expect(job.steps.map(({ name }) => name)).toContain("disproven");
    expect(paymentsOf(jobId)).toEqual([{ jobId, provider: honest.address }]);
    expect(await endsOf(jobId)).toContain("wrong-output");
    expect(job.steps.find(({ note }) => note.startsWith(liar.address))?.name).toBe("matched");
  });

  it("is refuted where its provider goes to the escrow itself, and starts the window in the same block", async () => {
    platform.chain.challengeWindowSeconds = 3_600;
    try {
      const liar = await provider({ output: 8n, priceWei: "10", manner: "silent" });
      const honest = await provider();
      const jobId = await platform.placeJob(SAMPLE);
      await platform.reaches(jobId, JobState.JOB_STATE_LEASED);
      const grant = await eventually(() => {
        const granted = liar.received.find(({ leaseGranted }) => leaseGranted?.jobId === jobId)?.leaseGranted;
        if (granted === undefined) throw new Error("the lease is not granted yet");
        return granted;
      });
      const { jobResult } = await liar.result(grant);
      const escrow = new Interface(escrowAbi as InterfaceAbi);
      await platform.chain.callInOneBlock([
        escrow.encodeFunctionData("deliver", [
          JSON.parse(jobResult?.deliveryJson ?? ""),
          jobResult?.deliverySignature,
        ]),
        escrow.encodeFunctionData("settle", [jobId, "0x"]),
      ]);
      await eventually(() => expect(platform.chain.jobs.get(jobId)?.provider).toBe(honest.address), 40_000);
      const job = await platform.reaches(jobId, JobState.JOB_STATE_SETTLED, 40_000);
      const steps = job.steps.map(({ name }) => name);
      expect(steps.slice(steps.indexOf("pending"), steps.indexOf("released"))).toEqual([
        "pending",
        "drawn",
        "disproven",
      ]);
      expect(await endsOf(jobId)).toContain("wrong-output");
      expect(paymentsOf(jobId)).toEqual([{ jobId, provider: honest.address }]);
    } finally {
      platform.chain.challengeWindowSeconds = 1;
    }
  });
});
