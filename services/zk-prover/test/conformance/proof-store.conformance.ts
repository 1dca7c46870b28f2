import type { Claim, WorkerState } from "@aios/core-proving-queue/work-queue";
import type { TenantId } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import { describe, expect, it } from "vitest";
import type { ProofStore } from "../../src/domain/ports.js";
import type { ProofRequest } from "../../src/domain/proof-job.js";
import { proofJobId, SAMPLE_PROOF, sampleProofRequest, word } from "../support/sample-proof.js";

export interface ProofStoreUnderTest {
  open(): ProofStore;
  /** Keys of the events that left so far, of any kind, in order. */
  published(): Promise<readonly string[]>;
  /** Ends the backend in the middle and brings it back. */
  crash(): Promise<void>;
}

const TENANT = "account:a" as TenantId;
const LIMIT = 20;
const WORKER: WorkerState = { leaseMs: 60_000, loaded: [], patienceMs: 3_600_000 };
const FAILURE = { code: "oracle-disagrees", message: "Wrong.", details: { computed: "7" } };
const LOST = { code: "work-lease-lost" };
let jobs = 0;

function newRequest(change: Partial<ProofRequest> = {}): ProofRequest {
  jobs += 1;
  return sampleProofRequest(1_000_000 + jobs, change);
}

/** What every `ProofStore` does beside what every `WorkQueue` does. No other work may be open when it starts. */
export function proofStoreConformance(name: string, subject: ProofStoreUnderTest): void {
  const { open, crash } = subject;
  const ask = (request: ProofRequest, limit = LIMIT) => open().request(request, TENANT, limit, 1_500);

  async function claim(request: ProofRequest): Promise<Claim> {
    const taken = await open().claim(WORKER);
    if (taken === undefined) throw new Error("nothing was due");
    expect(taken.work.request).toEqual(request);
    return taken.claim;
  }

  describe(`${name} as ProofStore`, () => {
    it("adds a job's work once, whoever asks how often, and keeps it over a crash", async () => {
      const request = newRequest({ priority: 3 });
      expect(await open().find(request.jobId)).toBeUndefined();
      await Promise.all(Array.from({ length: 6 }, () => ask(request)));
      await crash();
      expect(await open().depth()).toBe(1);
      const found = await open().find(request.jobId);
      expect(found).toMatchObject({ request, tenantId: TENANT, state: "queued" });
      const held = await claim(request);
      expect((await open().find(request.jobId))?.state).toBe("proving");
      await open().complete(held, SAMPLE_PROOF);
    });

    it("keeps one proof of a job for good, told once", async () => {
      const request = newRequest();
      await ask(request);
      const held = await claim(request);
      await open().complete(held, SAMPLE_PROOF);
      await crash();
      await expect(open().complete(held, SAMPLE_PROOF)).rejects.toMatchObject(LOST);
      expect((await subject.published()).filter((key) => key === request.jobId)).toHaveLength(1);
      const proven = await open().find(request.jobId);
      expect(proven).toMatchObject({ state: "proven", result: SAMPLE_PROOF, failure: undefined });
      expect(await ask(request)).toEqual(proven);
    });

    it("refutes another claim about what is proven, and proves nothing else of that job", async () => {
      const request = newRequest();
      await ask(request);
      await open().complete(await claim(request), SAMPLE_PROOF);
      const change = { claimedOutput: word(9), requestHash: word(9) };
      await expect(ask({ ...request, ...change })).rejects.toMatchObject({ code: "oracle-disagrees" });
      await expect(ask({ ...request, ...change, inputCommitment: word(8) })).rejects.toMatchObject({
        code: "proof-request-differs",
      });
      expect((await open().find(request.jobId))?.request).toEqual(request);
    });

    it("replaces what is not proven by another request, and fences its holder off", async () => {
      const request = newRequest();
      await ask(request);
      const held = await claim(request);
      const other = { ...request, inputCid: "bafyother", requestHash: word(5) };
      expect(await ask(other)).toMatchObject({ state: "queued", request: other });
      await crash();
      await expect(open().complete(held, SAMPLE_PROOF)).rejects.toMatchObject(LOST);
      await open().complete(await claim(other), SAMPLE_PROOF);
    });

    it("keeps why a proof failed, told once", async () => {
      const request = newRequest();
      await ask(request);
      const held = await claim(request);
      await open().fail(held, FAILURE);
      await crash();
      await expect(open().fail(held, FAILURE)).rejects.toMatchObject(LOST);
      expect(await ask(request)).toMatchObject({ state: "failed", failure: FAILURE, result: undefined });
      expect((await subject.published()).filter((key) => key === request.jobId)).toHaveLength(1);
    });

    it("keeps what its holder says last, shows nothing that an earlier one said, and forgets it with the end", async () => {
      const request = newRequest();
      const progress = (percent: number) => ({
        stage: "proving",
        percent,
        message: "The sums are computed.",
        figures: { part: "2" },
      });
      const shown = async () => (await open().find(request.jobId))?.progress;
      await ask(request);
      const first = await claim(request);
      expect(await shown()).toBeUndefined();
      await open().report(first, progress(30));
      await open().report(first, progress(60));
      await crash();
      expect(await shown()).toEqual(progress(60));
      await open().postpone(first, 0 as TimestampMs);
      const second = await claim(request);
      expect(await shown()).toBeUndefined();
      await open().report(first, progress(90));
      expect(await shown()).toBeUndefined();
      await open().report(second, progress(10));
      expect(await shown()).toEqual(progress(10));
      await open().complete(second, SAMPLE_PROOF);
      await open().report(second, progress(99));
      expect(await shown()).toBeUndefined();
    });

    it("takes on no more than it may, and says when to come again", async () => {
      const [first, second] = [newRequest(), newRequest()];
      await ask(first, 1);
      await expect(ask(second, 1)).rejects.toMatchObject({ code: "prover-queue-full", retryAfterMs: 1_500 });
      expect(await open().find(second.jobId)).toBeUndefined();
      await ask(first, 1);
      await open().complete(await claim(first), SAMPLE_PROOF);
      expect(await open().find(proofJobId(0))).toBeUndefined();
    });
  });
}
