import { expectOutageSurvived, type Peer } from "@aios/testkit/peer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProofVerifiers } from "../../src/domain/ports.js";

export interface ProofVerifiersUnderTest {
  readonly verifiers: ProofVerifiers;
  readonly peer: Peer;
  /** What the verifier on chain is deployed with, as the peer tells it from now on; empty: it does not. */
  deployed(honkTauG2: readonly string[]): void;
  close(): Promise<void>;
}

const WORDS = ["1", "2", "3", "4"].map((digit) => `0x${digit.repeat(64)}`);

/** What every `ProofVerifiers` does. */
export function proofVerifiersConformance(name: string, open: () => Promise<ProofVerifiersUnderTest>): void {
  describe(`${name} as ProofVerifiers`, () => {
    let subject: ProofVerifiersUnderTest;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close());

    it("tells what UltraHonk proofs are verified under, as it is now", async () => {
      for (const words of [WORDS, WORDS.toReversed()]) {
        subject.deployed(words);
        expect(await subject.verifiers.honkTauG2()).toEqual(words);
      }
    });

    it("knows nothing where a peer of the release before does not tell", async () => {
      subject.deployed([]);
      expect(await subject.verifiers.honkTauG2()).toBeUndefined();
    });

    it.each([
      ["too few words", WORDS.slice(1).concat("0x")],
      ["too many words", [...WORDS, WORDS[0] as string]],
      ["no words at all", ["a", "b", "c", "d"]],
    ])("takes nothing for a point that is none: %s", async (_, words) => {
      subject.deployed(words);
      await expect(subject.verifiers.honkTauG2()).rejects.toThrow("what is no point");
    });

    it("says when the peer is away, and tells the same when it is back", async () => {
      subject.deployed(WORDS);
      await expectOutageSurvived(subject.peer, () => subject.verifiers.honkTauG2());
    });
  });
}
