import { describe, expect, it } from "vitest";
import { TurnBatch } from "./turn-batch.js";

describe("a batch of one turn", () => {
  const works: (readonly number[])[] = [];
  const squares = new TurnBatch<number, number>((items) => {
    works.push(items);
    return async (item) => {
      if (item < 0) throw new RangeError("negative");
      return item * item;
    };
  });

  it("works once on what came in one turn, and answers each caller for itself", async () => {
    works.length = 0;
    const answers = await Promise.allSettled([2, -1, 3].map((item) => squares.hand(item)));
    expect(works).toEqual([[2, -1, 3]]);
    expect(answers).toMatchObject([
      { value: 4 },
      { status: "rejected", reason: new RangeError("negative") },
      { value: 9 },
    ]);
  });

  it("leaves what comes in a later turn to another work", async () => {
    works.length = 0;
    expect(await squares.hand(4)).toBe(16);
    expect(await squares.hand(5)).toBe(25);
    expect(works).toEqual([[4], [5]]);
  });
});
