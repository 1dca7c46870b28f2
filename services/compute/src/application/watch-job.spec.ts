import { EventEmitter, on } from "node:events";
import { ManualClock } from "@aios/kernel/clock";
import { expect, it } from "vitest";
import { sampleJob } from "../../test/support/sample-job.js";
import type { Job, JobProgress } from "../domain/job.js";
import { NO_PROOF } from "../domain/job-transitions.js";
import { JobFeed } from "./job-feed.js";
import { ProofWatches } from "./proof-watches.js";
import { WatchJob } from "./watch-job.js";

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const job = sampleJob();
const asked: Job = { ...job, state: "leased", proof: { ...NO_PROOF, state: "requested" } };
const proving: Job = { ...asked, proof: { ...asked.proof, heldByProver: true } };
const proven: Job = { ...job, state: "leased", proof: { ...NO_PROOF, state: "proven" } };
const paid: Job = { ...proven, state: "settled" };

/** The prover's streams, one emitter each: the test says stages, and ends them. */
function setting(stored: Job | undefined) {
  const streams: (EventEmitter & { readonly signal: AbortSignal })[] = [];
  const prover = {
    async *watch(_: unknown, signal: AbortSignal): AsyncGenerator<JobProgress> {
      const stream = Object.assign(new EventEmitter(), { signal });
      streams.push(stream);
      for await (const [stage] of on(stream, "stage", { signal, close: ["end"] }))
        yield { stage: String(stage), percent: 1, message: "", figures: {} };
    },
  };
  const clock = new ManualClock();
  const feed = new JobFeed();
  const watches = new WatchJob({ find: async () => stored }, feed, new ProofWatches(prover, clock));
  const open = () => {
    const seen: string[] = [];
    const watch = watches.watch(job.jobId, {
      show: (shown) => seen.push(`${shown.state} ${shown.progress?.stage ?? "-"}`),
      end: () => seen.push("end"),
      failed: () => seen.push("failed"),
    });
    return { seen, watch };
  };
  return { streams, clock, feed, open };
}

it("shows the prover's progress while the output is proven, and no longer", async () => {
  const { streams, feed, open } = setting(job);
  const { seen } = open();
  await settled();
  feed.changed(asked);
  await settled();
  // The prover does not know of it yet, and would say that there is no such proof.
  expect(streams).toHaveLength(0);
  feed.changed(proving);
  await settled();
  streams[0]?.emit("stage", "proof-queued");
  streams[0]?.emit("stage", "proof-proving");
  await settled();
  feed.changed(proven);
  expect(streams[0]?.signal.aborted).toBe(true);
  feed.changed(paid);
  feed.changed(paid);
  expect(seen).toEqual([
    "prepared -",
    "leased -",
    "leased -",
    "leased proof-queued",
    "leased proof-proving",
    "leased -",
    "settled -",
    "end",
  ]);
});

it("opens one stream a job, whoever watches it, tells who comes later what is known, and ends it with the last", async () => {
  const { streams, open } = setting(proving);
  const first = open();
  await settled();
  streams[0]?.emit("stage", "proof-proving");
  await settled();
  const second = open();
  await settled();
  expect(streams).toHaveLength(1);
  expect(second.seen.at(-1)).toBe("leased proof-proving");
  first.watch[Symbol.dispose]();
  expect(streams[0]?.signal.aborted).toBe(false);
  second.watch[Symbol.dispose]();
  expect(streams[0]?.signal.aborted).toBe(true);
});

it("opens a stream that broke again, after a while", async () => {
  const { streams, clock, open } = setting(proving);
  const { seen } = open();
  await settled();
  streams[0]?.emit("error", new Error("the prover is away"));
  await settled();
  expect(streams).toHaveLength(1);
  clock.advance(2_000);
  await settled();
  streams[1]?.emit("stage", "proof-proving");
  await settled();
  expect(seen.at(-1)).toBe("leased proof-proving");
  expect(seen).not.toContain("failed");
});

it("does not go back to what was read before a change", async () => {
  const { streams, feed, open } = setting(proving);
  const { seen } = open();
  feed.changed(proven);
  await settled();
  expect(seen).toEqual(["leased -"]);
  expect(streams).toHaveLength(0);
});

it("has nothing to say of a job that is gone", async () => {
  const { seen } = setting(undefined).open();
  await settled();
  expect(seen).toEqual(["end"]);
});
