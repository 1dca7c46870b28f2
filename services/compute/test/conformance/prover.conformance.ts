import { eventually } from "@aios/testkit/eventually";
import { expectOutageSurvived, type Peer } from "@aios/testkit/peer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Job } from "../../src/domain/job.js";
import type { ProofOutcome, Prover } from "../../src/domain/ports.js";

export interface ProverUnderTest {
  readonly prover: Prover;
  readonly peer: Peer;
  readonly modelCommitment: Uint8Array;
  /** A job of that model whose provider delivered what the model gives, or something else. */
  job(number: number, output: "right" | "wrong"): Job;
  /** Lets no proof that is asked for from now on end before what it answers is called. */
  holdProofs(): () => void;
  close(): Promise<void>;
}

/** What every `Prover` does. */
export function proverConformance(name: string, open: () => Promise<ProverUnderTest>): void {
  describe(`${name} as Prover`, () => {
    let subject: ProverUnderTest;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close());

    const ended = (job: Job): Promise<ProofOutcome> =>
      eventually(async () => {
        const outcome = await subject.prover.request(job);
        if (outcome.state === "running") throw new Error("the proof is still being made");
        return outcome;
      }, 40_000);

    it("says what a proof of a known model costs, and of no other", async () => {
      const quote = await subject.prover.quote(subject.modelCommitment, "groth16");
      expect(quote.priceWei).toMatch(/^[0-9]+$/);
      expect(quote.expectedMs).toBeGreaterThan(0);
      expect(quote.trust).not.toBe("");
      expect(quote.verificationGas).toBeGreaterThan(0);
      expect(quote.prover).toMatch(/^0x[0-9a-f]{40}$/);
      await expect(subject.prover.quote(new Uint8Array(32).fill(99), "groth16")).rejects.toMatchObject({
        code: "model-key-not-found",
      });
    });

    it("proves a right output, and answers the same whenever it is asked again", async () => {
      const job = subject.job(1, "right");
      const proven = await ended(job);
      expect(proven).toMatchObject({ state: "proven", error: undefined });
      expect(proven.evidence).toMatch(/^0x([0-9a-f]{2})+$/);
      expect(proven.evidenceCid).toMatch(/^baf/);
      expect(await subject.prover.request(job)).toEqual(proven);
    });

    it("says how far a proof is until it has ended", async () => {
      const release = subject.holdProofs();
      try {
        const job = subject.job(4, "right");
        await subject.prover.request(job);
        let told = 0;
        for await (const progress of subject.prover.watch(job.jobId, new AbortController().signal)) {
          const { stage, percent, message } = progress;
          expect(stage).toMatch(/^proof-[a-z-]+$/);
          expect(percent).toBeGreaterThanOrEqual(0);
          expect(percent).toBeLessThanOrEqual(100);
          expect(message).toMatch(/\.$/);
          told++;
          release();
        }
        expect(told).toBeGreaterThan(0);
        expect((await subject.prover.request(job)).state).toBe("proven");
      } finally {
        release();
      }
    });

    it("proves no wrong output, and says what the right one is", async () => {
      const failed = await ended(subject.job(2, "wrong"));
      expect(failed).toMatchObject({
        state: "failed",
        evidence: "",
        evidenceCid: "",
        error: { code: "oracle-disagrees" },
      });
      expect(JSON.parse(failed.error?.detailsJson ?? "")).toMatchObject({
        computed: expect.stringMatching(/^[0-9]+$/) as string,
      });
    });

    it("says when the prover is away, and has every proof that it made when it is back", async () => {
      const job = subject.job(3, "right");
      await ended(job);
      await expectOutageSurvived(subject.peer, () => subject.prover.request(job));
    });
  });
}
