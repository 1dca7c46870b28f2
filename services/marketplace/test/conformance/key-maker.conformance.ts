import type { Bytes32 } from "@aios/kernel/identifiers";
import { eventually } from "@aios/testkit/eventually";
import { expectOutageSurvived, type Peer } from "@aios/testkit/peer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProofSystem } from "../../src/domain/model.js";
import type { KeyMaker, KeyProgress } from "../../src/domain/ports.js";

export interface KeyMakerUnderTest {
  readonly maker: KeyMaker;
  readonly peer: Peer;
  /** A model that can be proven, as it lies in storage. */
  readonly good: { readonly contentCid: string; readonly modelCommitment: Bytes32 };
  /** Bytes that are no model, said to be one. */
  readonly bad: { readonly contentCid: string; readonly modelCommitment: Bytes32 };
  /** A commitment that nobody asked for. */
  readonly unknown: Bytes32;
  close(): Promise<void>;
}

/** What every `KeyMaker` does; the tests follow one prover. */
export function keyMakerConformance(name: string, open: () => Promise<KeyMakerUnderTest>): void {
  describe(`${name} as KeyMaker`, () => {
    let subject: KeyMakerUnderTest;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close());

    const ended = (commitment: Bytes32, proofSystem: ProofSystem = "groth16"): Promise<KeyProgress> =>
      eventually(async () => {
        const progress = await subject.maker.progress(commitment, proofSystem);
        if (progress.kind === "setting-up") throw new Error(`still ${progress.stage}`);
        return progress;
      }, 40_000);

    it("knows no keys that nobody asked for", async () => {
      await expect(subject.maker.progress(subject.unknown, "groth16")).rejects.toMatchObject({
        code: "model-key-not-found",
      });
    });

    it("makes a model's keys, says how far it is, and gives the same keys whenever it is asked", async () => {
      const { maker, good } = subject;
      const begun = await maker.setUp(good.contentCid, good.modelCommitment, "groth16");
      if (begun.kind === "setting-up") {
        expect(begun.percent).toBeGreaterThanOrEqual(0);
        expect(begun.percent).toBeLessThanOrEqual(100);
        expect(begun.stage).not.toBe("");
        expect(begun.message).not.toBe("");
      }
      const ready = await ended(good.modelCommitment);
      expect(ready).toMatchObject({
        kind: "ready",
        key: {
          hash: expect.stringMatching(/^0x[0-9a-f]{64}$/) as string,
          cid: expect.stringMatching(/^baf/) as string,
          trust: expect.stringMatching(/forgeable/) as string,
        },
      });
      expect(await maker.setUp(good.contentCid, good.modelCommitment, "groth16")).toEqual(ready);
    });

    it("makes an UltraHonk key besides, which is another one", async () => {
      const { maker, good } = subject;
      await maker.setUp(good.contentCid, good.modelCommitment, "honk");
      const [honk, groth16] = [await ended(good.modelCommitment, "honk"), await ended(good.modelCommitment)];
      if (honk.kind !== "ready" || groth16.kind !== "ready") throw new Error("a key is missing");
      expect(honk.key.hash).not.toBe(groth16.key.hash);
      expect(honk.key.trust).toMatch(/forgeable by anybody/);
    });

    it("says why keys cannot be made", async () => {
      const { maker, bad } = subject;
      await maker.setUp(bad.contentCid, bad.modelCommitment, "groth16");
      const failed = await ended(bad.modelCommitment);
      if (failed.kind !== "failed") throw new Error(`the keys are ${failed.kind}`);
      expect(failed.failure.code).not.toBe("");
      expect(failed.failure.message).not.toBe("");
      expect(() => JSON.parse(failed.failure.detailsJson) as unknown).not.toThrow();
    });

    it("says when the prover is away, and has the same keys when it is back", async () => {
      const { maker, peer, good } = subject;
      await expectOutageSurvived(peer, () => maker.progress(good.modelCommitment, "groth16"));
      await expectOutageSurvived(peer, () => maker.setUp(good.contentCid, good.modelCommitment, "groth16"));
    });
  });
}
