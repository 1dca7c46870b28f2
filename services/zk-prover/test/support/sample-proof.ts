import { address, bytes32, jobId } from "@aios/kernel/identifiers";
import type { KeyMaterial } from "../../src/domain/model-key.js";
import type { ProofRequest, ProofResult } from "../../src/domain/proof-job.js";

const ACCOUNT = address(`0x${"11".repeat(20)}`);

/** 32 bytes of one value. */
export const word = (value: number): Uint8Array => new Uint8Array(32).fill(value);
export const proofJobId = (number: number) => jobId(`0x${number.toString(16).padStart(64, "0")}`);
export const modelNumber = (number: number) => bytes32(`0x${number.toString(16).padStart(64, "0")}`);

export function sampleProofRequest(job: number, change: Partial<ProofRequest> = {}): ProofRequest {
  return {
    jobId: proofJobId(job),
    version: 1,
    chainId: 1,
    escrow: ACCOUNT,
    requester: ACCOUNT,
    modelCommitment: modelNumber(0),
    proofSystem: "groth16",
    verifyingKeyHash: word(0),
    inputCommitment: word(0),
    modelCid: "bafymodel",
    inputCid: "bafyinput",
    claimedOutput: word(0),
    priority: 0,
    deadline: undefined,
    requestHash: word(0),
    ...change,
  };
}

export const SAMPLE_PROOF: ProofResult = {
  proof: new Uint8Array(256),
  publicInputs: [word(1), word(2), word(3)],
  evidence: word(4),
  evidenceCid: "bafy",
  proveMs: 5,
};

export const SAMPLE_KEY: KeyMaterial = {
  verifyingKey: new Uint8Array(18 * 32).fill(1),
  verifyingKeyCid: "bafkverifying",
  provingKey: {
    hash: new Uint8Array(32).fill(2),
    cid: "bafkproving",
    secret: new Uint8Array(32).fill(3),
    sizeBytes: 4_000_000,
  },
  constraintCount: 14_000,
  inputShape: [1, 28, 28],
  multiplications: 101_632,
  setUpMs: 900,
  trust: "of a test",
  ceremonyTranscriptHash: undefined,
};
