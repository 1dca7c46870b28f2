import { type Address, bytes32, type JobId, jobId, tenantOfAccount } from "@aios/kernel/identifiers";
import type { Job, LeaseResult, VerificationLevel } from "../../src/domain/job.js";
import { NO_PROOF, ZERO_BYTES32 } from "../../src/domain/job-transitions.js";

export const BUYER = `0x${"b0".repeat(20)}` as Address;
const SOMEBODY = `0x${"cc".repeat(20)}` as Address;
export const LEASE_BY_SECONDS = 1_000;
export const DELIVER_WITHIN_SECONDS = 60;
export const SETTLE_WITHIN_SECONDS = 300;
export const CHALLENGE_WINDOW_SECONDS = 30;

export function sampleJob(
  verification: VerificationLevel = "proof",
  id: JobId = jobId(`0x${"11".repeat(32)}`),
): Job {
  return {
    jobId: id,
    tenant: tenantOfAccount(BUYER),
    buyer: BUYER,
    kind: "inference",
    verification,
    state: "prepared",
    terms: {
      work: { kind: "inference", modelId: 1 },
      order: {
        buyer: BUYER,
        jobKind: 2,
        modelId: "1",
        licenceId: "5",
        requestHash: ZERO_BYTES32,
        inputCommitment: bytes32(`0x${"0c".repeat(32)}`),
        verifier: SOMEBODY,
        matcher: SOMEBODY,
        maxPriceWei: "5000",
        leaseBy: LEASE_BY_SECONDS.toString(),
        deliverWithinSeconds: DELIVER_WITHIN_SECONDS.toString(),
        settleWithinSeconds: SETTLE_WITHIN_SECONDS.toString(),
        nonce: "1",
      },
      permit: undefined,
      contracts: { chainId: 1, jobEscrow: SOMEBODY, wrappedAios: SOMEBODY, receiptRegistry: SOMEBODY },
      licenceId: 5,
      modelCommitment: bytes32(`0x${"0d".repeat(32)}`),
      modelOwner: SOMEBODY,
      modelCid: "",
      verifyingKeyHash: ZERO_BYTES32,
      inputCid: "",
      prover: SOMEBODY,
      proverFeeWei: "100",
      usageFeeWei: "50",
      royaltyBps: 700,
      protocolFeeBps: 500,
      challengeWindowSeconds: CHALLENGE_WINDOW_SECONDS,
      providerPriceCapWei: "4000",
      requiredMemoryBytes: 1,
      workUnits: 1,
      outputRecipientPublicKey: "",
      sampleShareBps: verification === "sample" ? 5_000 : 0,
      replicaPriceCapWei: verification === "replicate" ? "1000" : "0",
      trust: "",
    },
    createdAtMs: 0,
    traceparent: "",
    orderSignature: "",
    permitSignature: "",
    acceptanceSignature: "",
    leases: [],
    attempts: [],
    proof: NO_PROOF,
    draw: undefined,
    drawSecret: verification === "sample" ? bytes32(`0x${"5e".repeat(32)}`) : "",
    pendingUntilMs: 0,
    deliveredAtMs: 0,
    held: undefined,
    steps: [],
    progress: undefined,
    error: undefined,
    chainPosition: { blockNumber: -1, logIndex: -1 },
    settlementTransactionHash: "",
    placeAtMs: 0,
    placementRounds: 0,
  };
}

export const RIGHT_OUTPUT = bytes32(`0x${"07".padStart(64, "0")}`);
export const WRONG_OUTPUT = bytes32(`0x${"08".padStart(64, "0")}`);

/** What a provider computed; an output stands for its own hash here. */
export function sampleResult(id: JobId, fencingToken: number, output = RIGHT_OUTPUT): LeaseResult {
  return {
    output,
    outputCid: "",
    outputKeyJson: "",
    delivery: {
      jobId: id,
      fencingToken: fencingToken.toString(),
      output: BigInt(output).toString(),
      outputHash: output,
      receiptHash: ZERO_BYTES32,
    },
    deliverySignature: "0x",
    receiptJson: "{}",
    receiptSignature: "0x",
  };
}
