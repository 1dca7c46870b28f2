import type { Receipt } from "@aios/core-settlement/order-digest";
import { RECEIPT_KINDS } from "@aios/core-settlement/typed-data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseReceipt } from "./receipt.js";
import { type ReceiptEvidence, refusalOf } from "./receipt-checks.js";

const provider = `0x${"aa".repeat(20)}`;
const buyer = `0x${"bb".repeat(20)}`;
const digest = `0x${"01".repeat(32)}`;

const receipt: Receipt = {
  kind: RECEIPT_KINDS.inference,
  jobId: `0x${"02".repeat(32)}`,
  provider,
  counterparty: buyer,
  modelCommitment: `0x${"03".repeat(32)}`,
  inputCommitment: `0x${"04".repeat(32)}`,
  outputHash: `0x${"05".repeat(32)}`,
  startedAtMs: 1_700_000_010_000n,
  finishedAtMs: 1_700_000_011_000n,
  promisedMs: 5_000n,
  workUnits: 1n,
  storedBytes: 0n,
  priceWei: 10n,
};

const good: ReceiptEvidence = {
  digest,
  receipt,
  signer: provider,
  settlement: {
    provider,
    counterparty: buyer,
    openedAtSeconds: 1_700_000_000,
    settledAtSeconds: 1_700_000_020,
    deliveredReceiptHash: digest,
  },
  seenBefore: false,
  controllerOf: (account) => account,
};

function refused(change: Partial<ReceiptEvidence>): string | undefined {
  return refusalOf({ ...good, ...change })?.reason;
}

describe("receipt checks", () => {
  it("count a settled receipt of two parties", () => {
    expect(refusalOf(good)).toBeUndefined();
  });

  it.each([
    ["one-sided", { settlement: undefined }],
    ["forged", { signer: buyer }],
    ["forged", { signer: undefined }],
    ["replayed", { seenBefore: true }],
    ["self-dealing", { controllerOf: () => "one-organisation" }],
    ["self-dealing", { receipt: { ...receipt, counterparty: provider } }],
    ["malformed", { receipt: { ...receipt, kind: 9 } }],
    ["back-dated", { receipt: { ...receipt, finishedAtMs: receipt.startedAtMs - 1n } }],
    ["back-dated", { receipt: { ...receipt, startedAtMs: 1_699_999_000_000n } }],
    ["back-dated", { receipt: { ...receipt, finishedAtMs: 1_700_001_000_000n } }],
    ["not-as-settled", { digest: `0x${"09".repeat(32)}` }],
    ["not-as-settled", { receipt: { ...receipt, counterparty: `0x${"cc".repeat(20)}` } }],
  ] as const)("refuse %s", (reason, change) => {
    expect(refused(change)).toBe(reason);
  });
});

describe("parseReceipt", () => {
  const json = () =>
    Object.fromEntries(
      Object.entries(receipt).map(([name, value]) => [
        name,
        typeof value === "bigint" ? value.toString() : value,
      ]),
    );

  it("reads what canonical JSON carries", () => {
    expect(parseReceipt(json())).toEqual(receipt);
  });

  it("refuses missing, extra and out-of-range fields", () => {
    const { kind: _, ...missing } = json();
    expect(parseReceipt(missing)).toBeUndefined();
    expect(parseReceipt({ ...json(), extra: 1 })).toBeUndefined();
    expect(parseReceipt({ ...json(), promisedMs: (2n ** 64n).toString() })).toBeUndefined();
    expect(parseReceipt({ ...json(), promisedMs: "-1" })).toBeUndefined();
    expect(parseReceipt({ ...json(), provider: "0x12" })).toBeUndefined();
  });

  it("never throws", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(() => parseReceipt(value)).not.toThrow();
      }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(receipt)), fc.anything(), (name, value) => {
        expect(() => parseReceipt({ ...json(), [name]: value })).not.toThrow();
      }),
    );
  });
});
