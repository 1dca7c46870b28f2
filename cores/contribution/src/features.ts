import type { Receipt } from "@aios/core-settlement/order-digest";
import { RECEIPT_KINDS } from "@aios/core-settlement/typed-data";
import type { CountedReceipt } from "./receipt.js";

/** Basis points: 10,000 = the whole. */
const WHOLE_BPS = 10_000n;
const NO_HASH = `0x${"0".repeat(64)}`;

const COMPUTE_KINDS: readonly number[] = [
  RECEIPT_KINDS.proof,
  RECEIPT_KINDS.inference,
  RECEIPT_KINDS["training-round"],
];
/** Kinds whose `promisedMs` is a time to serve, not a time to finish within. */
const SERVICE_TIME_KINDS: readonly number[] = [
  RECEIPT_KINDS.lease,
  RECEIPT_KINDS["storage-audit"],
  RECEIPT_KINDS["block-production"],
];
const READING_KINDS: readonly number[] = [RECEIPT_KINDS.retrieval, RECEIPT_KINDS.inference];

/** The seven features of one account. All integers, all from counted receipts. */
export interface Features {
  /** 1. Median of time taken over time promised, basis points (10,000 = exactly as promised); 0 without work. */
  readonly deliveryP50Bps: bigint;
  /** 1. 95th percentile (nearest rank) of the same. */
  readonly deliveryP95Bps: bigint;
  /** 2. Device-milliseconds of proven compute. */
  readonly deviceMilliseconds: bigint;
  /** 2. Byte-seconds of data shown to be held (bytes × whole seconds). */
  readonly byteSeconds: bigint;
  /** 3. Bytes of data that nobody contributed before. */
  readonly firstContributionBytes: bigint;
  /** 4. Bytes of data made from data that another account contributed first. */
  readonly additionalContributionBytes: bigint;
  /** 5. Bytes held of data that another account contributed first, once per data set. */
  readonly replicatedBytes: bigint;
  /** 6. Service time served over service time promised, basis points; 0 when none was promised. */
  readonly occupancyBps: bigint;
  /** 7. Storage audits passed over audits made, basis points; 0 when none was made. */
  readonly auditPassBps: bigint;
  /** 7. Paid reads and runs. */
  readonly payingReads: bigint;
  /** 7. Different accounts that paid. */
  readonly distinctPayers: bigint;
  readonly countedReceipts: number;
}

/**
 * The features of `account` from all counted receipts of an epoch and before it, of every account: whether data is
 * new depends on what others contributed. The order of the input does not matter: receipts are taken by end of work,
 * then digest. O(n log n).
 */
export function featuresOf(account: string, counted: readonly CountedReceipt[]): Features {
  const ordered = [...counted].sort(byEndThenDigest);
  const own = ordered.filter(({ receipt }) => receipt.provider === account).map(({ receipt }) => receipt);
  const compute = own.filter((receipt) => COMPUTE_KINDS.includes(receipt.kind));
  const served = own.filter((receipt) => SERVICE_TIME_KINDS.includes(receipt.kind));
  const audits = own.filter((receipt) => receipt.kind === RECEIPT_KINDS["storage-audit"]);
  const passed = audits.filter((receipt) => receipt.outputHash !== NO_HASH);
  const paid = own.filter((receipt) => receipt.priceWei > 0n);
  const ratios = compute
    .filter((receipt) => receipt.promisedMs > 0n)
    .map((receipt) => (durationMs(receipt) * WHOLE_BPS) / receipt.promisedMs)
    .sort(ascending);
  return {
    deliveryP50Bps: percentile(ratios, 50),
    deliveryP95Bps: percentile(ratios, 95),
    deviceMilliseconds: sum(compute.map(durationMs)),
    byteSeconds: sum(passed.map((receipt) => (receipt.storedBytes * durationMs(receipt)) / 1_000n)),
    ...dataOf(account, ordered),
    occupancyBps: shareBps(
      sum(served.map((receipt) => smaller(durationMs(receipt), receipt.promisedMs))),
      sum(served.map((receipt) => receipt.promisedMs)),
    ),
    auditPassBps: shareBps(BigInt(passed.length), BigInt(audits.length)),
    payingReads: BigInt(paid.filter((receipt) => READING_KINDS.includes(receipt.kind)).length),
    distinctPayers: BigInt(new Set(paid.map((receipt) => receipt.counterparty)).size),
    countedReceipts: own.length,
  };
}

type DataFeatures = Pick<
  Features,
  "firstContributionBytes" | "additionalContributionBytes" | "replicatedBytes"
>;

/** Walks all data in order of appearance; `outputHash` names data, `inputCommitment` what it was made from. */
function dataOf(account: string, ordered: readonly CountedReceipt[]): DataFeatures {
  const firstBy = new Map<string, string>();
  const held = new Set<string>();
  let first = 0n;
  let additional = 0n;
  let replicated = 0n;
  for (const { receipt } of ordered) {
    if (receipt.storedBytes === 0n || receipt.outputHash === NO_HASH) continue;
    const contributor = firstBy.get(receipt.outputHash);
    const mine = receipt.provider === account;
    if (contributor === undefined) {
      firstBy.set(receipt.outputHash, receipt.provider);
      const source = firstBy.get(receipt.inputCommitment);
      const madeFromOthers = source !== undefined && source !== receipt.provider;
      if (mine && madeFromOthers) additional += receipt.storedBytes;
      if (mine && !madeFromOthers) first += receipt.storedBytes;
    } else if (mine && contributor !== account && !held.has(receipt.outputHash)) {
      held.add(receipt.outputHash);
      replicated += receipt.storedBytes;
    }
  }
  return {
    firstContributionBytes: first,
    additionalContributionBytes: additional,
    replicatedBytes: replicated,
  };
}

function byEndThenDigest(a: CountedReceipt, b: CountedReceipt): number {
  if (a.receipt.finishedAtMs !== b.receipt.finishedAtMs) {
    return a.receipt.finishedAtMs < b.receipt.finishedAtMs ? -1 : 1;
  }
  return a.digest < b.digest ? -1 : a.digest > b.digest ? 1 : 0;
}

function durationMs(receipt: Receipt): bigint {
  return receipt.finishedAtMs - receipt.startedAtMs;
}

/** Nearest-rank percentile of ascending values; 0 of none. */
function percentile(values: readonly bigint[], percent: number): bigint {
  const rank = Math.ceil((values.length * percent) / 100);
  return values[Math.max(rank - 1, 0)] ?? 0n;
}

function shareBps(part: bigint, whole: bigint): bigint {
  return whole === 0n ? 0n : (part * WHOLE_BPS) / whole;
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n);
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
