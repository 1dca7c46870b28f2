import {
  deliveryTypedData,
  type Receipt,
  receiptTypedData,
  type Written,
} from "@aios/core-settlement/order-digest";
import { signerOf, typedDataDigest } from "@aios/core-settlement/signed-data";
import { RECEIPT_KINDS, signingDomain } from "@aios/core-settlement/typed-data";
import { MAX_PARAMETERS } from "@aios/core-zkml/model-limits";
import { canonicalJson, type Json } from "@aios/kernel/canonical-json";
import { type Bytes32, bytes32 } from "@aios/kernel/identifiers";
import { keccak256, toBeHex, toUtf8Bytes } from "ethers";
import { fencingTokenStale, leaseExpired, resultRefused } from "./errors.js";
import { type Delivery, type Job, type Lease, type LeaseResult, liveLease } from "./job.js";
import { trainingSamples } from "./job-request.js";
import { ZERO_BYTES32 } from "./job-transitions.js";

/** A result as a provider sent it. */
export interface ClaimedResult {
  readonly fencingToken: number;
  readonly output: Uint8Array;
  readonly outputCid: string;
  readonly outputKeyJson: string;
  readonly deliveryJson: string;
  readonly deliverySignature: string;
  readonly receiptJson: string;
  readonly receiptSignature: string;
}

const FIELD_ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
/** How far a provider's clock may be off. */
const CLOCK_TOLERANCE_MS = 60_000;
const MAX_JSON_CHARACTERS = 20_000;
const CID = /^b[a-z2-7]{20,120}$/;
const DECIMAL = /^(0|[1-9][0-9]{0,77})$/;

/** The lease that a provider speaks of. Throws `stale-fencing-token` unless it is live and its own, `lease-expired`. */
export function requireLease(job: Job, provider: string, fencingToken: number, nowMs: number): Lease {
  const lease = liveLease(job);
  if (lease?.fencingToken !== fencingToken || lease.provider !== provider)
    throw fencingTokenStale(job.jobId, fencingToken);
  if (lease.failure !== undefined) throw fencingTokenStale(job.jobId, fencingToken);
  if (lease.state === "leased" && nowMs > lease.deliverByMs)
    throw leaseExpired(job.jobId, fencingToken, lease.deliverByMs);
  return lease;
}

/**
 * Checks that output, delivery and receipt agree with each other and with the job, and that the provider signed both.
 * Throws `output-malformed`, `delivery-malformed`, `delivery-mismatch`, `delivery-forged`, `receipt-malformed`,
 * `receipt-mismatch`, `receipt-implausible`, `receipt-forged`.
 */
export function checkResult(job: Job, lease: Lease, claimed: ClaimedResult, nowMs: number): LeaseResult {
  const { chainId, jobEscrow, receiptRegistry } = job.terms.contracts;
  const { packed, hash } = outputOf(job, claimed);
  requireHeld(job, hash);
  const receipt = parseObject(claimed.receiptJson, "receipt");
  checkReceipt(job, lease, receipt, hash, nowMs);
  const receiptTyped = receiptTypedData(
    signingDomain(chainId, receiptRegistry),
    // What is no receipt has no signer: it is refused below.
    receipt as unknown as Written<Receipt>,
  );
  if (signerOf(receiptTyped, claimed.receiptSignature) !== lease.provider) {
    throw resultRefused(
      "receipt-forged",
      "receiptSignature",
      "The receipt is not signed by the provider of this lease.",
    );
  }
  const delivery: Delivery = {
    jobId: job.jobId,
    fencingToken: lease.fencingToken.toString(),
    output: packed.toString(),
    outputHash: hash,
    receiptHash: bytes32(typedDataDigest(receiptTyped)),
  };
  const given = parseObject(claimed.deliveryJson, "delivery");
  for (const [field, expected] of Object.entries(delivery)) {
    if (normal(given[field]) !== normal(expected)) {
      throw resultRefused(
        "delivery-mismatch",
        `delivery.${field}`,
        `The delivery's ${field} must be ${String(expected)}.`,
      );
    }
  }
  const deliveryTyped = deliveryTypedData(signingDomain(chainId, jobEscrow), delivery);
  if (signerOf(deliveryTyped, claimed.deliverySignature) !== lease.provider) {
    throw resultRefused(
      "delivery-forged",
      "deliverySignature",
      "The delivery is not signed by the provider of this lease.",
    );
  }
  return {
    output: job.kind === "inference" ? toBeHex(packed, 32) : "",
    outputCid: claimed.outputCid,
    outputKeyJson: claimed.outputKeyJson,
    delivery,
    deliverySignature: claimed.deliverySignature,
    receiptJson: canonicalJson(receipt),
    receiptSignature: claimed.receiptSignature,
  };
}

/** A provider that delivered on chain itself hands over what it signed there. */
function requireHeld({ held }: Job, outputHash: Bytes32): void {
  if (held === undefined || held.outputHash === "" || held.outputHash === outputHash) return;
  throw resultRefused(
    "delivery-mismatch",
    "delivery.outputHash",
    `The escrow holds a delivery of ${held.outputHash} under this lease.`,
  );
}

function outputOf(job: Job, claimed: ClaimedResult): { readonly packed: bigint; readonly hash: Bytes32 } {
  if (job.kind === "training") {
    if (!CID.test(claimed.outputCid)) {
      throw resultRefused("output-malformed", "outputCid", "A training's output is named by its CID.");
    }
    parseObject(claimed.outputKeyJson, "outputKey");
    return { packed: 0n, hash: bytes32(keccak256(toUtf8Bytes(claimed.outputCid))) };
  }
  const packed =
    claimed.output.length === 32 ? BigInt(`0x${Buffer.from(claimed.output).toString("hex")}`) : undefined;
  if (packed === undefined || packed >= FIELD_ORDER) {
    throw resultRefused(
      "output-malformed",
      "output",
      "An inference's output is one field element of 32 bytes.",
    );
  }
  return { packed, hash: bytes32(keccak256(toBeHex(packed, 32))) };
}

function checkReceipt(
  job: Job,
  lease: Lease,
  receipt: Readonly<Record<string, Json>>,
  outputHash: string,
  nowMs: number,
): void {
  const { order } = job.terms;
  const expected: Readonly<Record<string, string>> = {
    kind: (job.kind === "inference" ? RECEIPT_KINDS.inference : RECEIPT_KINDS["training-round"]).toString(),
    jobId: job.jobId,
    provider: lease.provider,
    counterparty: job.buyer,
    modelCommitment: job.kind === "inference" ? job.terms.modelCommitment : ZERO_BYTES32,
    inputCommitment: order.inputCommitment,
    outputHash,
    promisedMs: (BigInt(order.deliverWithinSeconds) * 1_000n).toString(),
    storedBytes: "0",
    priceWei: lease.terms.providerPriceWei,
  };
  for (const [field, value] of Object.entries(expected)) {
    if (normal(receipt[field]) !== normal(value)) {
      throw resultRefused("receipt-mismatch", `receipt.${field}`, `The receipt's ${field} must be ${value}.`);
    }
  }
  const started = uint64(receipt, "startedAtMs");
  const finished = uint64(receipt, "finishedAtMs");
  if (finished < started) {
    throw resultRefused(
      "receipt-malformed",
      "receipt.finishedAtMs",
      "The receipt's work ends before it starts.",
    );
  }
  // The offer is on this service's clock and at most seconds before the lease, whose chain time may run ahead.
  requireBetween("startedAtMs", started, lease.offeredAtMs - CLOCK_TOLERANCE_MS, nowMs + CLOCK_TOLERANCE_MS);
  requireBetween("finishedAtMs", finished, 0, nowMs + CLOCK_TOLERANCE_MS);
  requireBetween("workUnits", uint64(receipt, "workUnits"), 1, mostWorkUnits(job));
}

/** Samples that a training was ordered to see, or weights that the largest model has: one is used once. */
function mostWorkUnits({ terms: { work } }: Job): number {
  return work.kind === "training" ? trainingSamples(work) : MAX_PARAMETERS;
}

function uint64(receipt: Readonly<Record<string, Json>>, field: string): bigint {
  const text = normal(receipt[field]);
  if (!DECIMAL.test(text) || BigInt(text) >= 1n << 64n) {
    throw resultRefused(
      "receipt-malformed",
      `receipt.${field}`,
      `The receipt's ${field} must be a whole number.`,
    );
  }
  return BigInt(text);
}

function requireBetween(field: string, value: bigint, low: number, high: number): void {
  if (value >= low && value <= high) return;
  throw resultRefused(
    "receipt-implausible",
    `receipt.${field}`,
    `The receipt's ${field} must lie between ${low} and ${high}.`,
  );
}

function parseObject(text: string, what: string): Readonly<Record<string, Json>> {
  try {
    if (text.length <= MAX_JSON_CHARACTERS) {
      const value = JSON.parse(text) as Json;
      if (typeof value === "object" && value !== null && !Array.isArray(value)) {
        return value as Readonly<Record<string, Json>>;
      }
    }
  } catch {
    // Falls through to the error that names the part.
  }
  throw resultRefused(`${what}-malformed`, what, `The ${what} must be a JSON object.`);
}

/** Numbers and hex of any case compare as the values they stand for. */
function normal(value: Json | undefined): string {
  if (typeof value === "number" || typeof value === "string") return value.toString().toLowerCase();
  return "";
}
