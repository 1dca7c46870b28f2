import { expect, it } from "vitest";
import { ReportPace, reportedProgress } from "./reported-progress.js";

const HONEST = { stage: "training", percent: 40, message: "Epoch 2 of 5.", figures: { epoch: "2" } };

it("shows what a provider says of its work", () => {
  expect(reportedProgress(HONEST)).toEqual(HONEST);
});

it("shows no more than fits, and no stage that is none or the prover's", () => {
  const figures = Object.fromEntries(Array.from({ length: 99 }, (_, at) => [`${at}`, "9".repeat(1_000)]));
  const shown = reportedProgress({ stage: "", percent: 4_000_000_000, message: "m".repeat(9_999), figures });
  expect(shown).toMatchObject({ stage: "working", percent: 100, message: "m".repeat(500) });
  expect(Object.keys(shown.figures)).toHaveLength(16);
  expect(shown.figures["0"]).toBe("9".repeat(64));
  expect(reportedProgress({ ...HONEST, message: "a\0\ud83d" }).message).toBe("a\uFFFD\uFFFD");
  for (const stage of ["proof-proving", "Done!", "x".repeat(65)])
    expect(reportedProgress({ ...HONEST, stage }).stage).toBe("working");
});

it("drops what comes too fast, lets the end through at once, and that once", () => {
  const pace = new ReportPace(500, 10);
  const admitted = [
    [1, 0],
    [2, 499],
    [3, 500],
    [100, 501],
    [100, 502],
    [100, 600],
    [99, 700],
  ].filter(([percent = 0, nowMs = 0]) => pace.admits("a", percent, nowMs));
  expect(admitted).toEqual([
    [1, 0],
    [3, 500],
    [100, 501],
  ]);
  expect(pace.admits("b", 1, 701)).toBe(true);
  pace.forget("a");
  expect(pace.admits("a", 1, 702)).toBe(true);
});
