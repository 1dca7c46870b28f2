import { describe, expect, it } from "vitest";
import { parseGenesis } from "../domain/genesis.js";
import { genesisDigest } from "./genesis-digest.js";

const OWNER = `0x${"11".repeat(20)}`;
const json = {
  chainId: 7,
  timestampSeconds: 1,
  feeRecipient: `0x${"22".repeat(20)}`,
  baseFeeSplit: { burnedBps: 10_000, recipients: [] },
  alloc: {
    [OWNER]: {
      balanceWei: "5",
      nonce: 1,
      code: "0x6000",
      storage: { [`0x${"00".repeat(32)}`]: `0x${"01".repeat(32)}` },
    },
  },
};
const digestOf = (change: object): string =>
  genesisDigest(parseGenesis({ ...json, ...change })).toString("hex");
const account = json.alloc[OWNER] ?? {};

describe("genesisDigest", () => {
  it("is the same for the same content, and another for any other", () => {
    const changes = [
      { chainId: 8 },
      { gasLimit: "1000001" },
      { hardfork: "prague" },
      { alloc: {} },
      { alloc: { [`0x${"12".repeat(20)}`]: account } },
      ...[
        { balanceWei: "6" },
        { nonce: 2 },
        { code: "0x6001" },
        { code: "0x" },
        { storage: {} },
        { storage: { [`0x${"00".repeat(32)}`]: `0x${"02".repeat(32)}` } },
      ].map((change) => ({ alloc: { [OWNER]: { ...account, ...change } } })),
    ];
    const digests = [{}, ...changes].map(digestOf);
    expect(digestOf({})).toBe(digests[0]);
    expect(new Set(digests).size).toBe(digests.length);
  });
});
