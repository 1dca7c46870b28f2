import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArrivalOrder } from "./arrival-order.js";
import { type MempoolLimits, type SenderState, TransactionPool } from "./mempool.js";
import type { SignedTransaction } from "./transaction.js";

const LIMITS: MempoolLimits = {
  maxTransactions: 12,
  maxTotalBytes: 2_000,
  maxTransactionBytes: 400,
  maxPerSender: 5,
  maxNonceGap: 8,
  replacementBumpPercent: 10,
  minTipPerGas: 1n,
  expiryMs: 1_000,
  maxRememberedDrops: 50,
};
const RICH: SenderState = { nonce: 0n, balance: 10n ** 30n, hasContractCode: false };
const NOW = { nowMs: 0, blockGasLimit: 30_000_000n };

let serial = 0;

function transaction(
  change: Partial<SignedTransaction> & { readonly from?: number } = {},
): SignedTransaction {
  const { from = 0, ...rest } = change;
  serial++;
  return {
    hash: `0x${serial.toString(16).padStart(64, "0")}` as Bytes32,
    type: 2,
    sender: `0x${from.toString(16).padStart(40, "0")}` as Address,
    nonce: 0n,
    to: null,
    value: 0n,
    gasLimit: 21_000n,
    data: new Uint8Array(0),
    maxFeePerGas: 100n,
    maxPriorityFeePerGas: 10n,
    maxFeePerBlobGas: 0n,
    blobVersionedHashes: [],
    chainId: 1n,
    accessList: [],
    authorizationList: [],
    minimumGas: 21_000n,
    signature: { v: 0n, r: 1n, s: 1n },
    raw: new Uint8Array(100),
    ...rest,
  };
}

function codeOf(action: () => unknown): string {
  try {
    action();
    return "accepted";
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe("TransactionPool", () => {
  it.each<[string, Partial<SignedTransaction>, Partial<SenderState>]>([
    ["nonce-too-low", { nonce: 3n }, { nonce: 4n }],
    ["nonce-too-high", { nonce: 9n }, {}],
    ["oversized-transaction", { raw: new Uint8Array(401) }, {}],
    ["gas-limit-exceeded", { gasLimit: 30_000_001n }, {}],
    ["intrinsic-gas-too-low", { gasLimit: 20_999n }, {}],
    ["underpriced", { maxPriorityFeePerGas: 0n }, {}],
    ["insufficient-funds", {}, { balance: 2_099_999n }],
    ["sender-not-externally-owned", {}, { hasContractCode: true }],
  ])("refuses with %s and stays unchanged", (code, change, state) => {
    const pool = new TransactionPool(LIMITS);
    expect(codeOf(() => pool.add(transaction(change), { ...RICH, ...state }, NOW))).toBe(code);
    expect([pool.size, pool.totalBytes, pool.revision]).toEqual([0, 0, 0]);
  });

  it("counts what the sender already promised", () => {
    const pool = new TransactionPool(LIMITS);
    const state = { ...RICH, balance: 2_100_000n * 2n - 1n };
    pool.add(transaction({ nonce: 0n }), state, NOW);
    expect(codeOf(() => pool.add(transaction({ nonce: 1n }), state, NOW))).toBe("insufficient-funds");
  });

  it("replaces only for a bump of both fees, and keeps the reason of the replaced", () => {
    const pool = new TransactionPool(LIMITS);
    const first = transaction();
    pool.add(first, RICH, NOW);
    expect(
      codeOf(() => pool.add(transaction({ maxFeePerGas: 109n, maxPriorityFeePerGas: 11n }), RICH, NOW)),
    ).toBe("replacement-underpriced");
    expect(codeOf(() => pool.add(transaction({ maxFeePerGas: 200n }), RICH, NOW))).toBe(
      "replacement-underpriced",
    );
    pool.add(transaction({ maxFeePerGas: 110n, maxPriorityFeePerGas: 11n }), RICH, NOW);
    expect(pool.size).toBe(1);
    expect(pool.dropped(first.hash)?.code).toBe("replaced");
  });

  it("evicts the cheapest last transaction of others when full, or refuses", () => {
    const pool = new TransactionPool(LIMITS);
    for (let from = 0; from < 12; from++)
      pool.add(transaction({ from, maxFeePerGas: BigInt(50 + from) }), RICH, NOW);
    expect(codeOf(() => pool.add(transaction({ from: 20, maxFeePerGas: 50n }), RICH, NOW))).toBe(
      "mempool-full",
    );
    const dropped = pool.add(transaction({ from: 21, maxFeePerGas: 51n }), RICH, NOW);
    expect(dropped.map((drop) => drop.code)).toEqual(["evicted"]);
    expect(pool.size).toBe(12);
  });

  it("evicts as a search through all last transactions would: the cheapest, of equals the youngest", () => {
    const limits = { ...LIMITS, maxTransactions: 6, maxTotalBytes: 1_000_000, minTipPerGas: 0n };
    const addition = fc.record({ from: fc.nat(4), nonce: fc.nat(4), fee: fc.integer({ min: 1, max: 6 }) });
    fc.assert(
      fc.property(fc.array(addition, { maxLength: 60 }), (additions) => {
        const pool = new TransactionPool(limits);
        for (const { from, nonce, fee } of additions) {
          const fees = { maxFeePerGas: BigInt(fee) * 100n, maxPriorityFeePerGas: BigInt(fee) };
          const item = transaction({ from, nonce: BigInt(nonce), ...fees });
          const isReplacement = (pool.content().get(item.sender) ?? []).some(
            (e) => e.transaction.nonce === item.nonce,
          );
          const tails = [...pool.content()].flatMap(([sender, chain]) =>
            sender === item.sender ? [] : chain.slice(-1),
          );
          tails.sort((a, b) =>
            a.transaction.maxFeePerGas === b.transaction.maxFeePerGas
              ? b.arrival - a.arrival
              : Number(a.transaction.maxFeePerGas - b.transaction.maxFeePerGas),
          );
          const isFull = pool.size === limits.maxTransactions && !isReplacement;
          const victim = tails[0]?.transaction;
          const code = codeOf(() => pool.add(item, RICH, NOW));
          if (!isFull) expect(code).not.toBe("mempool-full");
          else if (victim === undefined || victim.maxFeePerGas >= item.maxFeePerGas)
            expect(code).toBe("mempool-full");
          else if (code === "accepted") expect(pool.dropped(victim.hash)?.code).toBe("evicted");
        }
      }),
      { numRuns: 500 },
    );
  });

  it("keeps no more than its limit of a sender that sends a hundred thousand", () => {
    const limits = {
      ...LIMITS,
      maxTransactions: 10_000,
      maxTotalBytes: 2 ** 30,
      maxPerSender: 100,
      maxNonceGap: 1_000_000,
    };
    const pool = new TransactionPool(limits);
    const codes = new Map<string, number>();
    for (let nonce = 0; nonce < 100_000; nonce++) {
      const code = codeOf(() => pool.add(transaction({ nonce: BigInt(nonce) }), RICH, NOW));
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    expect(Object.fromEntries(codes)).toEqual({ accepted: 100, "sender-limit-reached": 99_900 });
    expect(pool.size).toBe(100);
  });

  it("says why a transaction waits", () => {
    const pool = new TransactionPool(LIMITS);
    const cheap = transaction({ nonce: 0n, maxFeePerGas: 20n });
    const next = transaction({ nonce: 1n });
    const gap = transaction({ nonce: 3n });
    for (const item of [cheap, next, gap]) pool.add(item, RICH, NOW);
    expect(pool.whyPending(cheap.hash, 5n)).toEqual({ code: "ready" });
    expect(pool.whyPending(cheap.hash, 21n)).toMatchObject({
      code: "fee-below-base-fee",
      baseFeePerGas: 21n,
    });
    expect(pool.whyPending(next.hash, 21n)).toMatchObject({
      code: "behind-own-transaction",
      waitsForNonce: 0n,
    });
    expect(pool.whyPending(gap.hash, 5n)).toEqual({ code: "nonce-gap", missingNonce: 2n });
    expect(pool.nextNonce(cheap.sender, 0n)).toBe(2n);
  });

  it("drops what waited too long", () => {
    const pool = new TransactionPool(LIMITS);
    const old = transaction();
    pool.add(old, RICH, NOW);
    expect(pool.expire(999)).toEqual([]);
    expect(pool.expire(1_000).map((drop) => drop.hash)).toEqual([old.hash]);
  });

  it("orders by arrival, never by fee, and never against nonces", () => {
    const pool = new TransactionPool(LIMITS);
    const second = transaction({ from: 1, nonce: 1n, maxFeePerGas: 900n });
    const other = transaction({ from: 2, maxFeePerGas: 5_000n });
    const first = transaction({ from: 1, nonce: 0n });
    for (const item of [second, other, first]) pool.add(item, RICH, NOW);
    expect(new ArrivalOrder().order(pool.executable(1n)).map((item) => item.hash)).toEqual([
      other.hash,
      first.hash,
      second.hash,
    ]);
  });

  it("keeps its invariants under any sequence of additions, blocks and expiry", () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant("add" as const),
        from: fc.nat(4),
        nonce: fc.nat(9),
        fee: fc.integer({ min: 10, max: 60 }),
        size: fc.integer({ min: 50, max: 420 }),
      }),
      fc.record({
        kind: fc.constant("block" as const),
        baseFee: fc.integer({ min: 0, max: 40 }),
        take: fc.nat(6),
      }),
      fc.record({ kind: fc.constant("time" as const), by: fc.nat(700) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const pool = new TransactionPool(LIMITS);
        const nonces = new Map<Address, bigint>();
        const known = new Map<Bytes32, SignedTransaction>();
        const executed = new Set<Bytes32>();
        let nowMs = 0;
        const stateOf = (sender: Address): SenderState => ({ ...RICH, nonce: nonces.get(sender) ?? 0n });
        for (const action of steps) {
          if (action.kind === "add") {
            const fee = BigInt(action.fee);
            const item = transaction({
              from: action.from,
              nonce: BigInt(action.nonce),
              maxFeePerGas: fee,
              maxPriorityFeePerGas: fee / 2n,
              raw: new Uint8Array(action.size),
            });
            if (codeOf(() => pool.add(item, stateOf(item.sender), { ...NOW, nowMs })) === "accepted")
              known.set(item.hash, item);
          } else if (action.kind === "block") {
            const chosen = new ArrivalOrder()
              .order(pool.executable(BigInt(action.baseFee)))
              .slice(0, action.take);
            for (const item of chosen) {
              expect(item.nonce).toBe(nonces.get(item.sender) ?? 0n);
              nonces.set(item.sender, item.nonce + 1n);
              executed.add(item.hash);
            }
            pool.afterBlock(chosen, [], stateOf);
          } else {
            nowMs += action.by;
            pool.expire(nowMs);
          }
          check(pool, stateOf, known, executed);
        }
      }),
      { numRuns: 300 },
    );
  });
});

function check(
  pool: TransactionPool,
  stateOf: (sender: Address) => SenderState,
  known: ReadonlyMap<Bytes32, SignedTransaction>,
  executed: ReadonlySet<Bytes32>,
): void {
  let count = 0;
  let bytes = 0;
  for (const [sender, chain] of pool.content()) {
    expect(chain.length).toBeGreaterThan(0);
    expect(chain.length).toBeLessThanOrEqual(LIMITS.maxPerSender);
    for (const [index, entry] of chain.entries()) {
      count++;
      bytes += entry.transaction.raw.length;
      expect(entry.transaction.nonce >= stateOf(sender).nonce).toBe(true);
      const before = chain[index - 1];
      if (before !== undefined) expect(before.transaction.nonce < entry.transaction.nonce).toBe(true);
    }
  }
  expect([count, bytes]).toEqual([pool.size, pool.totalBytes]);
  expect(count).toBeLessThanOrEqual(LIMITS.maxTransactions);
  expect(bytes).toBeLessThanOrEqual(LIMITS.maxTotalBytes);
  const remembered = [...known.keys()].slice(-LIMITS.maxRememberedDrops);
  for (const hash of remembered) {
    const places = [pool.get(hash) !== undefined, executed.has(hash), pool.dropped(hash) !== undefined];
    expect(places.filter(Boolean)).toHaveLength(1);
  }
}
