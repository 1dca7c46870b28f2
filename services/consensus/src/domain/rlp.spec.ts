import { RLP } from "@ethereumjs/rlp";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeRlp, encodeRlp, type RlpItem } from "./rlp.js";

const { item } = fc.letrec<{ item: RlpItem; list: RlpItem }>((tie) => ({
  item: fc.oneof({ depthSize: "small" }, fc.uint8Array({ maxLength: 80 }), tie("list")),
  list: fc.array(tie("item"), { maxLength: 6 }),
}));

describe("RLP", () => {
  it("encodes as @ethereumjs/rlp and decodes what it encoded", () => {
    fc.assert(
      fc.property(item, (value) => {
        const encoded = encodeRlp(value);
        expect(encoded).toEqual(RLP.encode(value as Uint8Array));
        expect(decodeRlp(encoded)).toEqual(value);
      }),
    );
  });

  it("either refuses bytes with a coded error or gives back exactly these bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        let decoded: RlpItem;
        try {
          decoded = decodeRlp(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: "malformed-rlp" });
          return;
        }
        expect(encodeRlp(decoded)).toEqual(bytes);
      }),
      { numRuns: 5_000 },
    );
  });

  it("refuses lists nested without end", () => {
    let nested: RlpItem = [];
    for (let i = 0; i < 40; i++) nested = [nested];
    expect(() => decodeRlp(encodeRlp(nested))).toThrow(/deeply/);
  });
});
