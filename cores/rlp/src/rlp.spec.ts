import { RLP } from "@ethereumjs/rlp";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bigintToBytes } from "./hex.js";
import {
  decodeRlp,
  encodeRlp,
  MAX_RLP_DEPTH,
  type RlpItem,
  rlpBytes,
  rlpInteger,
  rlpList,
  splitRlpList,
  writeRlpBytes,
} from "./rlp.js";

const { item } = fc.letrec<{ item: RlpItem; list: RlpItem }>((tie) => ({
  item: fc.oneof({ depthSize: "small" }, fc.uint8Array({ maxLength: 80 }), tie("list")),
  list: fc.array(tie("item"), { maxLength: 6 }),
}));

function nested(depth: number): RlpItem {
  let out: RlpItem = [];
  for (let i = 1; i < depth; i++) out = [out];
  return out;
}

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

  it("splits a list into the encodings of its items", () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 8 }), (items) => {
        expect(splitRlpList(encodeRlp(items)).map((each) => new Uint8Array(each))).toEqual(
          items.map((each) => encodeRlp(each)),
        );
      }),
    );
  });

  it.each([
    ["nothing", []],
    ["a byte string", [0x83, 1, 2, 3]],
    ["a list with bytes behind it", [0xc1, 1, 2]],
    ["an item that runs past the end of its list", [0xc2, 0x83, 1, 2, 3]],
    ["a length that is not minimal", [0xf8, 1, 1]],
  ])("splits no %s", (_what, bytes) => {
    expect(() => splitRlpList(Uint8Array.from(bytes))).toThrow(
      expect.objectContaining({ code: "malformed-rlp" }),
    );
  });

  it("writes a byte string into the middle of other bytes as it encodes it alone", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(5), (value, offset) => {
        const encoded = encodeRlp(value);
        const out = new Uint8Array(offset + encoded.length + 3).fill(0xaa);
        expect(writeRlpBytes(out, offset, value)).toBe(offset + encoded.length);
        expect(out.subarray(offset, offset + encoded.length)).toEqual(encoded);
        expect(
          out.filter((byte, i) => byte !== 0xaa && (i < offset || i >= offset + encoded.length)),
        ).toEqual(new Uint8Array(0));
      }),
    );
  });

  it("encodes lengths of every width as @ethereumjs/rlp", () => {
    for (const length of [55, 56, 255, 256, 65_535, 65_536, 16_777_215, 16_777_216]) {
      const value = new Uint8Array(length).fill(0x80);
      expect(Buffer.compare(encodeRlp(value), RLP.encode(value))).toBe(0);
    }
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

  it("refuses a valid encoding that is cut or followed by bytes", () => {
    fc.assert(
      fc.property(item, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 4 }), (value, cut, more) => {
        const encoded = encodeRlp(value);
        expect(() => decodeRlp(encoded.subarray(0, cut % encoded.length))).toThrow(/malformed/);
        expect(() => decodeRlp(Uint8Array.of(...encoded, ...more))).toThrow(/follow/);
      }),
    );
  });

  it("follows lists to its depth and refuses those that go on", () => {
    expect(decodeRlp(encodeRlp(nested(MAX_RLP_DEPTH)))).toEqual(nested(MAX_RLP_DEPTH));
    expect(() => decodeRlp(encodeRlp(nested(MAX_RLP_DEPTH + 1)))).toThrow(/deeply/);
    expect(() => decodeRlp(encodeRlp(nested(4)), 3)).toThrow(/deeply/);
  });

  it("refuses a million open lists without a stack overflow", () => {
    expect(() => decodeRlp(new Uint8Array(1_000_000).fill(0xc1))).toThrow(/malformed/);
    expect(() => decodeRlp(encodeRlp(new Uint8Array(1_000_000)).fill(0xfb, 0, 1))).toThrow(/malformed/);
  });

  it("reads integers that are minimal and fit, and no others", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), (value) => {
        const bytes = bigintToBytes(value);
        expect(rlpInteger(bytes)).toBe(value);
        expect(() => rlpInteger(Uint8Array.of(0, ...bytes))).toThrow(/leading zeros/);
        if (bytes.length > 0) expect(() => rlpInteger(bytes, bytes.length - 1)).toThrow(/longer/);
      }),
    );
  });

  it("tells strings from lists", () => {
    expect(() => rlpBytes([])).toThrow(/byte string/);
    expect(() => rlpBytes(undefined)).toThrow(/byte string/);
    expect(() => rlpList(new Uint8Array(1))).toThrow(/list/);
    expect(() => rlpList(undefined)).toThrow(/list/);
  });
});
