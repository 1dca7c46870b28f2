import { describe, expect, it } from "vitest";
import { LEAST_ORDERS, LEAST_READS, loadProblems } from "../src/load-judgement.js";

const reports = (orders: number, answered: number) => ({
  reads: { answered },
  orders: {
    changes: Object.fromEntries(Array.from({ length: orders }, (_, job) => [`0x${job}`, ["0x1:0"]])),
  },
});

describe("what the loads of an upgrade are judged by", () => {
  it("finds nothing where there were as many orders and reads as it takes", () => {
    expect(loadProblems(reports(LEAST_ORDERS, LEAST_READS))).toEqual([]);
  });

  it("finds an upgrade with one order, or a few, not shown to lose none", () => {
    for (const orders of [0, 1, LEAST_ORDERS - 1])
      expect(loadProblems(reports(orders, LEAST_READS))).toEqual([
        expect.stringContaining(`${orders} orders were settled`),
      ]);
  });

  it("finds reads that hardly went on", () => {
    expect(loadProblems(reports(LEAST_ORDERS, LEAST_READS - 1))).toEqual([
      expect.stringContaining(`${LEAST_READS - 1} reads were answered`),
    ]);
  });
});
