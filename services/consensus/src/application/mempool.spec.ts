import { ManualClock } from "@aios/kernel/clock";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { expect, it } from "vitest";
import type { Genesis } from "../domain/genesis.js";
import type { SignedTransaction } from "../domain/transaction.js";
import { defaultNodeSettings } from "../node/node-settings.js";
import { ChainEvents } from "./chain-events.js";
import { Mempool } from "./mempool.js";

const transaction = (serial: number): SignedTransaction => ({
  hash: `0x${serial.toString(16).padStart(64, "0")}` as Bytes32,
  type: 2,
  sender: `0x${serial.toString(16).padStart(40, "0")}` as Address,
  nonce: 0n,
  to: null,
  value: 0n,
  gasLimit: 21_000n,
  data: new Uint8Array(0),
  maxFeePerGas: 10n ** 10n * BigInt(serial),
  maxPriorityFeePerGas: 10n ** 9n * BigInt(serial),
  maxFeePerBlobGas: 0n,
  blobVersionedHashes: [],
  chainId: 1n,
  accessList: [],
  authorizationList: [],
  minimumGas: 21_000n,
  signature: { v: 0n, r: 1n, s: 1n },
  raw: Uint8Array.of(serial),
});

/** Its journal writes when it is told to. */
function mempoolOf(limits: Partial<typeof defaultNodeSettings>, nonce = 0n) {
  const writes: (() => void)[] = [];
  const kept = new Set<Bytes32>();
  const journal = {
    add: (transactions: readonly SignedTransaction[]) =>
      new Promise<void>((resolve) => {
        for (const { hash } of transactions) kept.add(hash);
        writes.push(resolve);
      }),
    remove: async (hashes: readonly Bytes32[]) => {
      for (const hash of hashes) kept.delete(hash);
    },
    entries: () => [],
  };
  const account = { nonce, balance: 10n ** 30n, codeHash: undefined };
  const view = {
    account: () => account,
    code: () => undefined,
    root: "0x",
    [Symbol.dispose]: () => undefined,
  };
  const mempool = new Mempool(
    { gasLimit: 30_000_000n } as Genesis,
    { admitAll: async (raws: readonly Uint8Array[]) => raws.map((raw) => transaction(raw[0] ?? 0)) } as never,
    { head: () => ({ stateRoot: "0x" }), placeOf: () => undefined } as never,
    { snapshot: () => view } as never,
    journal,
    new ChainEvents((error) => {
      throw error;
    }),
    new ManualClock(),
    { ...defaultNodeSettings, ...limits },
  );
  return { mempool, writes, kept };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

it("keeps what was pushed out of the mempool and came back while the one that pushed it was written down", async () => {
  const { mempool, writes, kept } = mempoolOf({ maxTransactions: 1 });
  const [cheap, dear] = [transaction(1), transaction(9)];
  const submitted = [mempool.submit(cheap.raw)];
  await turn();
  submitted.push(mempool.submit(dear.raw));
  await turn();
  expect(mempool.pool.get(cheap.hash)).toBeUndefined();
  mempool.pool.withdraw(dear.hash, { code: "not-kept", reason: "" });
  submitted.push(mempool.submit(cheap.raw));
  await turn();
  for (const write of writes) write();
  await Promise.all(submitted);
  expect(mempool.pool.get(cheap.hash)).toBeDefined();
  expect(kept).toContain(cheap.hash);
});

it("knows which nonces an account has used in the latest state", () => {
  const { mempool } = mempoolOf({}, 3n);
  expect([2, 3, 4].map((nonce) => mempool.hasUsed(transaction(1).sender, nonce))).toEqual([
    true,
    false,
    false,
  ]);
});
