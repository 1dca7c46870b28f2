import { describe, expect, it } from "vitest";
import { blockOf, compactOf } from "./compact-block.js";
import { blockId, headerOf, type OrderedTransaction } from "./dag-block.js";

describe("the name of a block", () => {
  it("costs one look at each of its transactions, whichever of its forms is asked for it", () => {
    let looks = 0;
    const transactions = Array.from(
      { length: 5 },
      (_, index): OrderedTransaction => ({
        get id() {
          looks += 1;
          return `${index}`.padStart(64, "0");
        },
        sender: `0x${"11".repeat(20)}`,
        nonce: index,
        gasLimit: 21_000,
        payload: new Uint8Array(1),
      }),
    );
    const unsigned = { setNumber: 0, seat: 1, tick: 2, parents: ["genesis"], transactions };
    const id = blockId(unsigned);
    const block = { ...unsigned, signature: "ab" };
    expect([blockId(block), blockId(headerOf(block))]).toEqual([id, id]);
    expect(looks).toBe(transactions.length);
    const { header } = compactOf(block);
    expect(blockOf(header, [...transactions].reverse())).toBeUndefined();
    expect(blockId(blockOf(header, [...transactions]) ?? unsigned)).toBe(id);
  });
});
