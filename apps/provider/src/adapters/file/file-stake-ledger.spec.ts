import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { address } from "@aios/kernel/identifiers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileStakeLedger } from "./file-stake-ledger.js";

const TOKEN = { chainId: 7n, address: address(`0x${"a1".repeat(20)}`) };
const OTHERS = [
  { ...TOKEN, chainId: 8n },
  { ...TOKEN, address: address(`0x${"b2".repeat(20)}`) },
];

describe("signed stakes on disk", () => {
  let directory: string;
  const ledger = () => new FileStakeLedger(directory);

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "signed-stakes-"));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it("count for every token where an earlier release did not say which, once under the same nonce", async () => {
    await writeFile(join(directory, "signed-stakes.json"), JSON.stringify({ 0: "6", 1: "2" }));
    await ledger().add(TOKEN, { permitNonce: 0n, stakeWei: 4n });
    await ledger().add(TOKEN, { permitNonce: 1n, stakeWei: 3n });
    expect(await ledger().signed(TOKEN)).toEqual([
      { permitNonce: 0n, stakeWei: 6n },
      { permitNonce: 1n, stakeWei: 3n },
    ]);
    for (const other of OTHERS) {
      expect(await ledger().signed(other)).toEqual([
        { permitNonce: 0n, stakeWei: 6n },
        { permitNonce: 1n, stakeWei: 2n },
      ]);
    }
  });

  it.each(['{"7:0:0":"6"}', '{"0":6}', '{"0":"-6"}', "{"])(
    "are not forgotten when damaged: %s",
    async (text) => {
      await writeFile(join(directory, "signed-stakes.json"), text);
      await expect(ledger().signed(TOKEN)).rejects.toThrow();
      await expect(ledger().add(TOKEN, { permitNonce: 0n, stakeWei: 1n })).rejects.toThrow();
    },
  );
});
