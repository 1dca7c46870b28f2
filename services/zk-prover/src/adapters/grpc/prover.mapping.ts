import { MAX_PRIORITY } from "@aios/core-proving-queue/claim-order";
import type { Failure } from "@aios/core-proving-queue/work-queue";
import { address, type Bytes32, bytes32, jobId } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import {
  KeyState,
  type ModelKey,
  type ProofJob,
  ProofState,
  ProofSystem as ProofSystemMessage,
  type RequestProofRequest,
  type SetUpKeyRequest,
} from "@aios/proto/aios/prover/v1/prover";
import type { ProofQuestion } from "../../application/request-proof.use-case.js";
import { invalidRequest } from "../../domain/errors.js";
import { type KeyRequest, type ModelKeyRecord, verifyingKeyHash } from "../../domain/model-key.js";
import type { Progress } from "../../domain/progress.js";
import type { ProofJobRecord } from "../../domain/proof-job.js";
import type { ProofSystem, ProvenModel } from "../../domain/proof-system.js";

const MAX_CID_LENGTH = 128;
const KEY_STATES = {
  "setting-up": KeyState.KEY_STATE_SETTING_UP,
  ready: KeyState.KEY_STATE_READY,
  failed: KeyState.KEY_STATE_FAILED,
} as const;
const PROOF_STATES = {
  queued: ProofState.PROOF_STATE_QUEUED,
  proving: ProofState.PROOF_STATE_PROVING,
  proven: ProofState.PROOF_STATE_PROVEN,
  failed: ProofState.PROOF_STATE_FAILED,
} as const;
const PROOF_SYSTEMS = {
  groth16: ProofSystemMessage.PROOF_SYSTEM_GROTH16,
  honk: ProofSystemMessage.PROOF_SYSTEM_HONK,
} as const;
const NO_BYTES = new Uint8Array(0);

export function commitmentOf(value: Uint8Array): Bytes32 {
  return bytes32(`0x${Buffer.from(word(value, "modelCommitment")).toString("hex")}`, "modelCommitment");
}

/** None is Groth16, as before there was another. */
export function proofSystemOf(value: ProofSystemMessage | undefined): ProofSystem {
  if (
    value === undefined ||
    value === ProofSystemMessage.PROOF_SYSTEM_UNSPECIFIED ||
    value === PROOF_SYSTEMS.groth16
  )
    return "groth16";
  if (value === PROOF_SYSTEMS.honk) return "honk";
  throw invalidRequest("proofSystem", "a proof system that is known here");
}

export function provenModelOf(message: {
  readonly modelCommitment: Uint8Array;
  readonly proofSystem?: ProofSystemMessage | undefined;
}): ProvenModel {
  return {
    modelCommitment: commitmentOf(message.modelCommitment),
    proofSystem: proofSystemOf(message.proofSystem),
  };
}

export function cidOf(value: string, field: string): string {
  if (!/^[a-z0-9]{8,}$/.test(value) || value.length > MAX_CID_LENGTH)
    throw invalidRequest(field, "a CID, version 1, base32");
  return value;
}

function word(value: Uint8Array, field: string): Uint8Array {
  if (value.length !== 32) throw invalidRequest(field, "32 bytes");
  return value;
}

export function questionOf(request: RequestProofRequest): ProofQuestion {
  const { statement } = request;
  if (statement === undefined) throw invalidRequest("statement", "present");
  if (!Number.isSafeInteger(statement.chainId) || statement.chainId < 1)
    throw invalidRequest("statement.chainId", "a chain id");
  return {
    jobId: jobId(statement.jobId, "statement.jobId"),
    version: statement.version,
    chainId: statement.chainId,
    escrow: address(statement.escrow, "statement.escrow"),
    requester: address(statement.requester, "statement.requester"),
    modelCommitment: commitmentOf(statement.modelCommitment),
    proofSystem: proofSystemOf(request.proofSystem),
    verifyingKeyHash: word(statement.verifyingKeyHash, "statement.verifyingKeyHash"),
    inputCommitment: word(statement.inputCommitment, "statement.inputCommitment"),
    modelCid: cidOf(request.modelCid, "modelCid"),
    inputCid: cidOf(request.inputCid, "inputCid"),
    claimedOutput: word(request.claimedOutput, "claimedOutput"),
    priority: priorityOf(request.priority ?? 0),
    deadline: deadlineOf(request.deadlineUnixMs),
  };
}

export function keyRequestOf(message: SetUpKeyRequest): KeyRequest {
  const { modelCid, ceremony } = message;
  return {
    ...provenModelOf(message),
    modelCid: cidOf(modelCid, "modelCid"),
    ceremony:
      ceremony === undefined
        ? undefined
        : {
            transcriptCid: cidOf(ceremony.transcriptCid, "ceremony.transcriptCid"),
            provingKeyCid: cidOf(ceremony.provingKeyCid, "ceremony.provingKeyCid"),
            powersCid: cidOf(ceremony.powersCid, "ceremony.powersCid"),
          },
  };
}

function priorityOf(value: number): number {
  if (value > MAX_PRIORITY) throw invalidRequest("priority", `0 to ${MAX_PRIORITY}`);
  return value;
}

function deadlineOf(value: number | undefined): TimestampMs | undefined {
  if (value === undefined) return undefined;
  if (!Number.isSafeInteger(value) || value < 1)
    throw invalidRequest("deadlineUnixMs", "a time in milliseconds");
  return value as TimestampMs;
}

function errorOf(failure: Failure | undefined) {
  if (failure === undefined) return undefined;
  return { code: failure.code, message: failure.message, detailsJson: JSON.stringify(failure.details) };
}

function progressOf(progress: Progress | undefined) {
  return progress === undefined ? undefined : { ...progress, figures: { ...progress.figures } };
}

export function keyMessage(record: ModelKeyRecord, progress: Progress | undefined): ModelKey {
  const { material } = record;
  return {
    modelCommitment: Buffer.from(record.modelCommitment.slice(2), "hex"),
    state: KEY_STATES[record.state],
    proofSystem: PROOF_SYSTEMS[record.proofSystem],
    verifyingKeyHash: material === undefined ? NO_BYTES : verifyingKeyHash(material.verifyingKey),
    verifyingKeyCid: material?.verifyingKeyCid ?? "",
    provingKeyCid: material?.provingKey?.cid ?? "",
    constraintCount: material?.constraintCount ?? 0,
    provingKeyBytes: material?.provingKey?.sizeBytes ?? 0,
    inputShape: [...(material?.inputShape ?? [])],
    multiplications: material?.multiplications ?? 0,
    trust: material?.trust ?? "",
    setUpMs: material?.setUpMs ?? 0,
    progress: progressOf(progress),
    error: errorOf(record.failure),
    ceremonyTranscriptHash: material?.ceremonyTranscriptHash ?? NO_BYTES,
    ceremonyTranscriptCid: record.ceremony?.transcriptCid ?? "",
  };
}

export function proofMessage(
  record: ProofJobRecord,
  trust: string,
  progress: Progress | undefined,
): ProofJob {
  const { result } = record;
  return {
    jobId: record.request.jobId,
    state: PROOF_STATES[record.state],
    proof: result?.proof ?? NO_BYTES,
    publicInputs: [...(result?.publicInputs ?? [])],
    evidence: result?.evidence ?? NO_BYTES,
    evidenceCid: result?.evidenceCid ?? "",
    proveMs: result?.proveMs ?? 0,
    progress: progressOf(progress),
    error: errorOf(record.failure),
    trust,
    proofSystem: PROOF_SYSTEMS[record.request.proofSystem],
  };
}
