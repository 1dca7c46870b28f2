import { describe, expect, it } from "vitest";
import { parseGenesis } from "./genesis.js";

const A = `0x${"aB".repeat(20)}`;
const valid = {
  name: "test",
  chainId: 7,
  timestampSeconds: 1,
  feeRecipient: A,
  baseFeeSplit: { burnedBps: 5_000, recipients: [{ name: "x", address: A, shareBps: 5_000 }] },
  alloc: {
    [A]: {
      balanceWei: "12",
      nonce: 3,
      code: "0x6001",
      storage: { [`0x${"00".repeat(32)}`]: `0x${"00".repeat(30)}0102` },
    },
  },
};

describe("genesis", () => {
  it("reads accounts and adds the contracts that every chain has", () => {
    const genesis = parseGenesis(valid);
    const account = genesis.alloc.get(A.toLowerCase() as never);
    expect(account).toMatchObject({ balance: 12n, nonce: 3n, code: Uint8Array.of(0x60, 1) });
    expect([...(account?.storage.values() ?? [])]).toEqual([Uint8Array.of(1, 2)]);
    expect(genesis.alloc.size).toBe(3);
    expect(genesis).toMatchObject({ hardfork: "osaka", gasLimit: 60_000_000n });
  });

  it.each([
    ["chainId", { chainId: 0 }],
    ["chainId", { chainId: "7" }],
    ["hardfork", { hardfork: "london" }],
    ["genesis.colour", { colour: 1 }],
    ["gasLimit", { gasLimit: "12" }],
    ["baseFeeSplit", { baseFeeSplit: { burnedBps: 1, recipients: [] } }],
    ["baseFeePerGasWei", { baseFeePerGasWei: 5 }],
    ["alloc", { alloc: [] }],
    [`alloc.${A}.balanceWei`, { alloc: { [A]: { balanceWei: "-1" } } }],
    [`alloc.${A}.code`, { alloc: { [A]: { code: "0x1" } } }],
    [`alloc.${A.toLowerCase()}`, { alloc: { [A]: {}, [A.toLowerCase()]: {} } }],
  ])("names the field %s when it is wrong", (field, change) => {
    expect(() => parseGenesis({ ...valid, ...change })).toThrow(
      expect.objectContaining({ code: "invalid-genesis", field }),
    );
  });
});
