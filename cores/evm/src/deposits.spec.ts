import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressOf } from "../test/memory-state.js";
import { DEPOSIT_REQUEST_BYTES, depositsIn } from "./deposits.js";
import type { LogEntry } from "./world-state.js";

const CONTRACT = addressOf(0xd0);
const TOPIC = Uint8Array.from(
  Buffer.from("649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5", "hex"),
);
const SIZES = [48, 32, 8, 96, 8] as const;

/** The event's data, by the rules of the ABI. */
function encoded(fields: readonly Uint8Array[]): Uint8Array {
  const heads: number[] = [];
  const tails: number[] = [];
  const word = (value: number): number[] => [...new Uint8Array(28), 0, 0, value >> 8, value & 0xff];
  for (const field of fields) {
    heads.push(...word(fields.length * 32 + tails.length));
    const padding = (32 - (field.length % 32)) % 32;
    tails.push(...word(field.length), ...field, ...new Uint8Array(padding));
  }
  return Uint8Array.of(...heads, ...tails);
}

const log = (data: Uint8Array, change: Partial<LogEntry> = {}): LogEntry => ({
  address: CONTRACT,
  topics: [TOPIC],
  data,
  ...change,
});
const deposit = fc.tuple(...SIZES.map((size) => fc.uint8Array({ minLength: size, maxLength: size })));

describe("deposits in logs (EIP-6110)", () => {
  it("are the fields of each event, one after the other", () => {
    fc.assert(
      fc.property(fc.array(deposit, { maxLength: 4 }), (deposits) => {
        const requests = depositsIn(
          deposits.map((fields) => log(encoded(fields))),
          CONTRACT,
        );
        expect(requests.length).toBe(deposits.length * DEPOSIT_REQUEST_BYTES);
        expect([...requests]).toEqual(deposits.flat().flatMap((field) => [...field]));
      }),
    );
  });

  it("are none of another contract, another event or no event at all", () => {
    const data = encoded(SIZES.map((size) => new Uint8Array(size)));
    const others = [
      log(data, { address: addressOf(0xd1) }),
      log(data, { topics: [] }),
      log(data, { topics: [new Uint8Array(32)] }),
    ];
    expect(depositsIn(others, CONTRACT)).toHaveLength(0);
  });

  it("refuse an event of any other layout", () => {
    const good = encoded(SIZES.map((size) => new Uint8Array(size).fill(9)));
    const layout = [0, 1, 2, 3, 4, 5, 8, 10, 12, 16].flatMap((word) =>
      Array.from({ length: 32 }, (_, i) => word * 32 + i),
    );
    fc.assert(
      fc.property(fc.constantFrom(...layout), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const data = good.slice();
        data[at] = ((data[at] ?? 0) + change) & 0xff;
        expect(() => depositsIn([log(data)], CONTRACT)).toThrow(/no deposit/);
      }),
    );
    for (const length of [0, 575, 577])
      expect(() => depositsIn([log(new Uint8Array(length))], CONTRACT)).toThrow(/no deposit/);
  });
});
