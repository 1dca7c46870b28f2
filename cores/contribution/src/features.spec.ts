import type { Receipt } from "@aios/core-settlement/order-digest";
import { RECEIPT_KINDS } from "@aios/core-settlement/typed-data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeFeatures } from "./feature-report.js";
import { featuresOf } from "./features.js";
import type { CountedReceipt } from "./receipt.js";

const account = (index: number) => `0x${index.toString(16).padStart(40, "0")}`;
const hash = (index: number) => `0x${index.toString(16).padStart(64, "0")}`;

function receipt(fields: Partial<Receipt>): Receipt {
  return {
    kind: RECEIPT_KINDS.inference,
    jobId: hash(1),
    provider: account(1),
    counterparty: account(9),
    modelCommitment: hash(2),
    inputCommitment: hash(3),
    outputHash: hash(4),
    startedAtMs: 1_000n,
    finishedAtMs: 2_000n,
    promisedMs: 2_000n,
    workUnits: 10n,
    storedBytes: 0n,
    priceWei: 5n,
    ...fields,
  };
}

function counted(...receipts: readonly Receipt[]): CountedReceipt[] {
  return receipts.map((one, index) => ({ digest: hash(1_000 + index), receipt: one }));
}

const anyReceipt = fc
  .record({
    kind: fc.integer({ min: 1, max: 8 }),
    provider: fc.integer({ min: 1, max: 4 }).map(account),
    counterparty: fc.integer({ min: 5, max: 8 }).map(account),
    inputCommitment: fc.integer({ min: 0, max: 6 }).map(hash),
    outputHash: fc.integer({ min: 0, max: 6 }).map(hash),
    startedAtMs: fc.bigInt({ min: 0n, max: 10_000n }),
    duration: fc.bigInt({ min: 0n, max: 10_000n }),
    promisedMs: fc.bigInt({ min: 0n, max: 10_000n }),
    storedBytes: fc.bigInt({ min: 0n, max: 1_000_000n }),
    priceWei: fc.bigInt({ min: 0n, max: 3n }),
  })
  .map(({ duration, ...fields }) => receipt({ ...fields, finishedAtMs: fields.startedAtMs + duration }));

describe("features", () => {
  it("of nobody are all zero", () => {
    const { countedReceipts, ...values } = featuresOf(account(1), []);
    expect(countedReceipts).toBe(0);
    expect(Object.values(values).every((value) => value === 0n)).toBe(true);
  });

  it("measure delivery against the promise by nearest rank", () => {
    const durations = Array.from({ length: 20 }, (_, index) => BigInt(index + 1) * 100n);
    const features = featuresOf(
      account(1),
      counted(...durations.map((ms) => receipt({ finishedAtMs: 1_000n + ms, promisedMs: 1_000n }))),
    );
    expect(features.deliveryP50Bps).toBe(10_000n);
    expect(features.deliveryP95Bps).toBe(19_000n);
    expect(features.deviceMilliseconds).toBe(21_000n);
  });

  it("tell new data, data made from others' and replicas apart", () => {
    const features = (who: number) =>
      featuresOf(
        account(who),
        counted(
          receipt({ provider: account(1), outputHash: hash(50), storedBytes: 100n, finishedAtMs: 2_000n }),
          receipt({ provider: account(2), outputHash: hash(50), storedBytes: 100n, finishedAtMs: 3_000n }),
          receipt({ provider: account(2), outputHash: hash(50), storedBytes: 100n, finishedAtMs: 3_500n }),
          receipt({
            provider: account(2),
            inputCommitment: hash(50),
            outputHash: hash(51),
            storedBytes: 40n,
            finishedAtMs: 4_000n,
          }),
          receipt({ provider: account(1), outputHash: hash(50), storedBytes: 100n, finishedAtMs: 5_000n }),
        ),
      );
    expect(features(1)).toMatchObject({
      firstContributionBytes: 100n,
      additionalContributionBytes: 0n,
      replicatedBytes: 0n,
    });
    expect(features(2)).toMatchObject({
      firstContributionBytes: 0n,
      additionalContributionBytes: 40n,
      replicatedBytes: 100n,
    });
  });

  it("count occupancy, audits and payers", () => {
    const audit = { kind: RECEIPT_KINDS["storage-audit"], storedBytes: 500n, priceWei: 0n };
    const features = featuresOf(
      account(1),
      counted(
        receipt({ ...audit, promisedMs: 2_000n, finishedAtMs: 3_000n }),
        receipt({ ...audit, promisedMs: 2_000n, finishedAtMs: 2_000n, outputHash: hash(0) }),
        receipt({ counterparty: account(8) }),
        receipt({ counterparty: account(9) }),
        receipt({ counterparty: account(9) }),
      ),
    );
    expect(features.occupancyBps).toBe(7_500n);
    expect(features.auditPassBps).toBe(5_000n);
    expect(features.byteSeconds).toBe(1_000n);
    expect(features.payingReads).toBe(3n);
    expect(features.distinctPayers).toBe(2n);
  });

  it("do not depend on the order of the receipts", () => {
    fc.assert(
      fc.property(fc.array(anyReceipt, { maxLength: 30 }), fc.integer(), (receipts, turn) => {
        const all = counted(...receipts);
        const at = all.length === 0 ? 0 : Math.abs(turn) % all.length;
        const turned = [...all.slice(at), ...all.slice(0, at)];
        expect(featuresOf(account(1), turned)).toEqual(featuresOf(account(1), all));
      }),
    );
  });

  it("never call the same data new for two accounts, and stay in range", () => {
    fc.assert(
      fc.property(fc.array(anyReceipt, { maxLength: 30 }), (receipts) => {
        const all = counted(...receipts);
        const features = [1, 2, 3, 4].map((who) => featuresOf(account(who), all));
        const claimed = features.reduce(
          (total, one) => total + one.firstContributionBytes + one.additionalContributionBytes,
          0n,
        );
        const firstBytes = new Map<string, bigint>();
        for (const { receipt: one } of [...all].sort((a, b) =>
          a.receipt.finishedAtMs === b.receipt.finishedAtMs
            ? a.digest < b.digest
              ? -1
              : 1
            : a.receipt.finishedAtMs < b.receipt.finishedAtMs
              ? -1
              : 1,
        )) {
          if (one.storedBytes > 0n && one.outputHash !== hash(0) && !firstBytes.has(one.outputHash)) {
            firstBytes.set(one.outputHash, one.storedBytes);
          }
        }
        expect(claimed).toBe([...firstBytes.values()].reduce((total, bytes) => total + bytes, 0n));
        for (const one of features) {
          expect(one.occupancyBps <= 10_000n && one.auditPassBps <= 10_000n).toBe(true);
          expect(Object.values(one).every((value) => value >= 0)).toBe(true);
        }
      }),
    );
  });

  it("are seven for people", () => {
    const lines = describeFeatures(featuresOf(account(1), counted(receipt({}))));
    expect(lines.map((line) => line.name)).toEqual([
      "resource-delivery-time",
      "space-time",
      "first-data-contribution",
      "additional-contribution",
      "replicated-contribution",
      "occupancy",
      "data-health",
    ]);
    expect(lines.find((line) => line.name === "space-time")?.value).toBe(1_000n);
  });
});
