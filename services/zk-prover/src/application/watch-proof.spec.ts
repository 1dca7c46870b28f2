import { ManualClock } from "@aios/kernel/clock";
import { expect, it } from "vitest";
import { sampleProofRequest } from "../../test/support/sample-proof.js";
import type { ProofStore } from "../domain/ports.js";
import type { Progress } from "../domain/progress.js";
import type { ProofJobRecord } from "../domain/proof-job.js";
import { ProgressBoard } from "./progress-board.js";
import { reportProgress } from "./report-progress.js";
import { watchProof } from "./watch-proof.js";

const request = sampleProofRequest(1);
const QUEUED = { request, state: "queued", progress: undefined } as unknown as ProofJobRecord;
const PROVING: ProofJobRecord = { ...QUEUED, state: "proving" };
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What one replica sees of the table, and its own work; the test moves time. */
function replica(first: ProofJobRecord) {
  const clock = new ManualClock();
  const board = new ProgressBoard();
  const table = {
    record: first,
    place: { place: 3, waiting: 9 } as { place: number; waiting: number } | undefined,
  };
  const reads = { count: 0 };
  const proofs = {
    find: async () => {
      reads.count++;
      return table.record;
    },
    place: async () => table.place,
  } as unknown as ProofStore;
  const gone = new AbortController();
  const seen: string[] = [];
  const watching = (async () => {
    for await (const { record, progress } of watchProof(
      request.jobId,
      { proofs, progress: board, clock },
      gone.signal,
    ))
      seen.push(
        `${record.state} ${progress?.stage ?? "-"} ${progress?.percent ?? "-"} ${progress?.figures["place"] ?? ""}`.trim(),
      );
  })();
  const pass = async (durationMs: number): Promise<void> => {
    for (let left = durationMs; left > 0; left -= 50) {
      clock.advance(Math.min(50, left));
      await settled();
    }
  };
  return { table, board, seen, reads, watching, gone, pass };
}

it("says a waiting proof's place, and when it moves up", async () => {
  const { table, seen, pass, gone, watching } = replica(QUEUED);
  await pass(1_000);
  table.place = { place: 1, waiting: 7 };
  await pass(1_000);
  expect(seen).toEqual(["queued queued 0 3", "queued queued 0 1"]);
  gone.abort();
  await watching;
});

it("says what another replica wrote down, by looking twice a second, and ends with the proof", async () => {
  const { table, seen, reads, pass, watching } = replica(PROVING);
  table.place = undefined;
  await pass(600);
  const said: Progress = { stage: "proving", percent: 40, message: "", figures: {} };
  table.record = { ...PROVING, progress: said };
  await pass(1_000);
  table.record = { ...PROVING, state: "proven" };
  await pass(600);
  await watching;
  expect(seen).toEqual(["proving taken 1", "proving proving 40", "proven - -"]);
  expect(reads.count).toBeLessThan(7);
});

it("says this process's own work at once, and no more than four changes a second", async () => {
  const { table, board, seen, pass, gone, watching } = replica(PROVING);
  table.place = undefined;
  await pass(50);
  for (let percent = 1; percent <= 40; percent++) {
    board.set(request.jobId, "proving", percent, "");
    await pass(50);
  }
  expect(seen.length).toBeGreaterThan(5);
  expect(seen.length).toBeLessThanOrEqual(10);
  gone.abort();
  await watching;
});

it("writes down what changed, at most twice a second, and nothing of a proof that is done before", async () => {
  const clock = new ManualClock();
  const board = new ProgressBoard();
  const written: number[] = [];
  const proofs = {
    report: async (_: unknown, { percent }: Progress) => {
      written.push(percent);
      if (percent === 2) throw new Error("the database is away");
    },
  };
  const report = (ended: AbortSignal): Promise<void> =>
    reportProgress({ id: request.jobId } as never, request.jobId, { proofs, progress: board, clock }, ended);
  const ended = new AbortController();
  const reporting = report(ended.signal);
  for (let percent = 1; percent <= 6; percent++) {
    board.set(request.jobId, "proving", percent, "");
    clock.advance(250);
    await settled();
  }
  clock.advance(500);
  await settled();
  expect(written).toEqual([2, 4, 6]);
  ended.abort();
  await reporting;
  const short = new AbortController();
  const nothing = report(short.signal);
  short.abort();
  await nothing;
  expect(written).toHaveLength(3);
});
