import { deliveryTypedData, receiptTypedData } from "@aios/core-settlement/order-digest";
import { type TypedData, typedDataDigest } from "@aios/core-settlement/signed-data";
import { RECEIPT_KINDS, signingDomain } from "@aios/core-settlement/typed-data";
import { address } from "@aios/kernel/identifiers";
import { keccak256, toBeHex, toUtf8Bytes, Wallet } from "ethers";
import { describe, expect, it } from "vitest";
import { DELIVER_WITHIN_SECONDS, sampleJob } from "../../test/support/sample-job.js";
import { type Job, liveLease } from "./job.js";
import { applyEscrowFact, leaseTermsFor, offer, sign, ZERO_BYTES32 } from "./job-transitions.js";
import { checkResult } from "./result-check.js";

const wallet = Wallet.createRandom();
const PROVIDER = address(wallet.address);
const OFFERED_AT_MS = 500_000;
const NOW_MS = OFFERED_AT_MS + 2_000;
const OUTPUT_CID = "bafkreitrainingoutputaaaaaaaaaaaa";
const TRAINING = {
  kind: "training",
  dataSet: "mnist-digits",
  seed: 1,
  epochs: 2,
  batchSize: 32,
  layers: [784, 10],
  trainPerClass: 5,
  testPerClass: 5,
  shiftAugmentation: false,
} as const;

function offered(kind: Job["kind"]): Job {
  const sample = sampleJob("none");
  const job = kind === "inference" ? sample : { ...sample, kind, terms: { ...sample.terms, work: TRAINING } };
  const funded = applyEscrowFact(sign(job, "0x", "", 0), {
    state: "funded",
    fencingToken: 0,
    transactionHash: "0x1",
    gasUsed: 1,
    position: { blockNumber: 1, logIndex: 0 },
    chainTimeMs: OFFERED_AT_MS,
    seenAtMs: OFFERED_AT_MS,
    pendingUntilMs: 0,
    output: "",
    outputHash: "",
  });
  const terms = leaseTermsFor(funded, PROVIDER, 10n, 1_000);
  return offer(funded, { provider: PROVIDER, terms, offerExpiresAtMs: NOW_MS }, OFFERED_AT_MS);
}

function signed(data: TypedData): string {
  return wallet.signingKey.sign(typedDataDigest(data)).serialized;
}

/** Checks a result that is right but for the changed receipt fields; the provider signs what it claims. */
function check(
  kind: Job["kind"],
  change: Readonly<Record<string, string>> = {},
  held: Job["held"] = undefined,
) {
  const job = { ...offered(kind), held };
  const lease = liveLease(job);
  if (lease === undefined) throw new Error("the job has no lease");
  const inference = kind === "inference";
  const output = toBeHex(inference ? 7n : 0n, 32);
  const { chainId, jobEscrow, receiptRegistry } = job.terms.contracts;
  const receipt = {
    kind: (inference ? RECEIPT_KINDS.inference : RECEIPT_KINDS["training-round"]).toString(),
    jobId: job.jobId,
    provider: PROVIDER,
    counterparty: job.buyer,
    modelCommitment: inference ? job.terms.modelCommitment : ZERO_BYTES32,
    inputCommitment: job.terms.order.inputCommitment,
    outputHash: keccak256(inference ? output : toUtf8Bytes(OUTPUT_CID)),
    startedAtMs: (OFFERED_AT_MS + 500).toString(),
    finishedAtMs: (OFFERED_AT_MS + 1_500).toString(),
    promisedMs: (DELIVER_WITHIN_SECONDS * 1_000).toString(),
    workUnits: inference ? "101632" : "100",
    storedBytes: "0",
    priceWei: "10",
    ...change,
  };
  const receiptTyped = receiptTypedData(signingDomain(chainId, receiptRegistry), receipt);
  const delivery = {
    jobId: job.jobId,
    fencingToken: "1",
    output: BigInt(output).toString(),
    outputHash: receipt.outputHash,
    receiptHash: typedDataDigest(receiptTyped),
  };
  const claimed = {
    fencingToken: 1,
    output: inference ? Buffer.from(output.slice(2), "hex") : new Uint8Array(0),
    outputCid: inference ? "" : OUTPUT_CID,
    outputKeyJson: inference ? "" : "{}",
    deliveryJson: JSON.stringify(delivery),
    deliverySignature: signed(deliveryTypedData(signingDomain(chainId, jobEscrow), delivery)),
    receiptJson: JSON.stringify(receipt),
    receiptSignature: signed(receiptTyped),
  };
  return checkResult(job, lease, claimed, NOW_MS);
}

describe("a result", () => {
  it("is kept when its receipt says what was agreed", () => {
    expect(check("inference")).toMatchObject({ output: toBeHex(7n, 32) });
    expect(check("training")).toMatchObject({ outputCid: OUTPUT_CID });
    const clockOff = { startedAtMs: (OFFERED_AT_MS - 59_000).toString() };
    expect(check("inference", clockOff)).toMatchObject({ output: toBeHex(7n, 32) });
  });

  it("is refused when the escrow holds another one under the lease, and kept when it holds this one", () => {
    const own = keccak256(toBeHex(7n, 32));
    const holds = (outputHash: string) => ({ output: toBeHex(7n, 32), outputHash, blockNumber: 1 });
    expect(check("inference", {}, holds(own))).toMatchObject({ output: toBeHex(7n, 32) });
    expect(() => check("inference", {}, holds(keccak256(toBeHex(8n, 32))))).toThrowError(
      expect.objectContaining({ code: "delivery-mismatch" }),
    );
  });

  it.each([
    ["inference", "promisedMs", "60001", "receipt-mismatch"],
    ["inference", "storedBytes", "1", "receipt-mismatch"],
    ["inference", "priceWei", "11", "receipt-mismatch"],
    ["inference", "workUnits", "0", "receipt-implausible"],
    ["inference", "workUnits", (2 ** 24 + 1).toString(), "receipt-implausible"],
    ["training", "workUnits", "101", "receipt-implausible"],
    ["inference", "startedAtMs", (OFFERED_AT_MS - 61_000).toString(), "receipt-implausible"],
    ["inference", "finishedAtMs", (NOW_MS + 61_000).toString(), "receipt-implausible"],
    ["inference", "finishedAtMs", (OFFERED_AT_MS + 499).toString(), "receipt-malformed"],
  ] as const)("of an %s is refused when the receipt's %s is %s", (kind, field, value, code) => {
    expect(() => check(kind, { [field]: value })).toThrowError(
      expect.objectContaining({ code, field: `receipt.${field}` }),
    );
  });
});
