import type { Job } from "@aios/sdk/api-types";
import { expect, it } from "vitest";
import { WatchLines } from "./job-watch.js";

const JOB = { state: "leased", steps: [{ name: "leased", atMs: 1_000 }], progress: null, error: null };
const job = (change: object = {}): Job => ({ ...JOB, ...change }) as unknown as Job;
const progress = (percent: number, message: string) => ({
  progress: { stage: "proof-queued", percent, message, figures: {} },
});

it("tells each step, stage and state of a job once, with the prover's place and parts between them", () => {
  const lines = new WatchLines();
  expect(lines.of(job())).toEqual(["+     0 ms  leased", "leased"]);
  expect(lines.of(job())).toEqual([]);
  const queued = progress(0, "The proof waits: place 3 of 9 in the queue.");
  expect(lines.of(job(queued))).toEqual(["      0 %   The proof waits: place 3 of 9 in the queue."]);
  expect(lines.of(job(queued))).toEqual([]);
  expect(lines.of(job(progress(62, "The sums over the quotient are computed.")))).toEqual([
    "     62 %   The sums over the quotient are computed.",
  ]);
  const steps = [...JOB.steps, { name: "proven", atMs: 2_500 }];
  expect(lines.of(job({ steps, state: "settled" }))).toEqual(["+  1500 ms  proven", "settled"]);
});

it("says why a job ended without a result, once it has", () => {
  const error = { code: "work-timed-out", message: "It took too long." };
  const lines = new WatchLines();
  expect(lines.of(job({ error }))).not.toContain("error work-timed-out: It took too long.");
  expect(lines.of(job({ error, state: "refunded" }))).toEqual([
    "refunded",
    "error work-timed-out: It took too long.",
  ]);
});
