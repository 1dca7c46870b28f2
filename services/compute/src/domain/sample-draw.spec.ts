import { isDrawn, parseDrawNote } from "@aios/core-settlement/sample-draw";
import { bytes32 } from "@aios/kernel/identifiers";
import fc from "fast-check";
import { expect, it } from "vitest";
import { sampleJob } from "../../test/support/sample-job.js";
import type { Job } from "./job.js";
import { applyEscrowFact, withDraw } from "./job-transitions.js";
import { drawSample } from "./sample-draw.js";

const word = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => bytes32(`0x${Buffer.from(bytes).toString("hex")}`));
const delivered: Job = { ...sampleJob("sample"), state: "delivered" };
const undrawn = { ...delivered, terms: { ...delivered.terms, sampleShareBps: 0 } };

it("depends on a secret that no provider knows, not on the block alone", () => {
  fc.assert(
    fc.property(word, fc.uniqueArray(word, { minLength: 64, maxLength: 64 }), (blockHash, secrets) => {
      const draws = secrets.map((drawSecret) => drawSample({ ...delivered, drawSecret }, blockHash));
      // Half of all are drawn: that 64 agree happens once in 2^63.
      expect(new Set(draws.map(({ drawn }) => drawn)).size).toBe(2);
    }),
    { numRuns: 20 },
  );
});

it("shows the secret with the draw, so that anybody can compute it again", () => {
  fc.assert(
    fc.property(word, word, (blockHash, drawSecret) => {
      const job = { ...delivered, drawSecret };
      const { draw, steps } = withDraw(job, drawSample(job, blockHash), 1);
      const facts = parseDrawNote(steps.at(-1)?.note ?? "");
      expect(facts).toEqual({ blockHash, secret: drawSecret, shareBps: 5_000 });
      expect(steps.at(-1)?.name).toBe(facts && isDrawn(job.jobId, facts) ? "drawn" : "not-drawn");
      expect(draw?.drawn).toBe(steps.at(-1)?.name === "drawn");
    }),
  );
});

it("takes a secret once: a delivery after one whose secret was shown is always drawn", () => {
  const blockHash = bytes32(`0x${"b1".repeat(32)}`);
  expect(drawSample(undrawn, blockHash).drawn).toBe(false);
  const released = (job: Job): Job =>
    applyEscrowFact(job, {
      state: "funded",
      fencingToken: 1,
      transactionHash: "0x1",
      gasUsed: 1,
      position: { blockNumber: 9, logIndex: 0 },
      chainTimeMs: 0,
      pendingUntilMs: 0,
      seenAtMs: 0,
      output: "",
      outputHash: "",
    });
  const shown = released(withDraw(undrawn, drawSample(undrawn, blockHash), 1));
  expect(shown).toMatchObject({ draw: undefined, drawSecret: "" });
  expect(drawSample(shown, blockHash).drawn).toBe(true);
  // One that was taken back before it was drawn has shown nothing.
  expect(released({ ...undrawn, state: "leased" }).drawSecret).toBe(undrawn.drawSecret);
});
