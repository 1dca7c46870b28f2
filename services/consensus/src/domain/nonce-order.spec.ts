import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inNonceOrder } from "./nonce-order.js";

const transaction = fc.record({ sender: fc.constantFrom("a", "b", "c"), nonce: fc.nat(9) });

describe("the order of a checkpoint", () => {
  it("keeps the senders' places and each sender's nonces in order", () => {
    fc.assert(
      fc.property(fc.array(transaction, { maxLength: 30 }), (ordered) => {
        const out = inNonceOrder(ordered);
        expect(out.map(({ sender }) => sender)).toEqual(ordered.map(({ sender }) => sender));
        for (const sender of ["a", "b", "c"]) {
          const nonces = (list: typeof out) =>
            list.filter((one) => one.sender === sender).map(({ nonce }) => nonce);
          expect(nonces(out)).toEqual(nonces(ordered).sort((a, b) => a - b));
        }
      }),
    );
  });

  it("leaves alone what is in order", () => {
    const ordered = [
      { sender: "a", nonce: 0 },
      { sender: "b", nonce: 5 },
      { sender: "a", nonce: 1 },
    ];
    expect(inNonceOrder(ordered)).toEqual(ordered);
  });
});
