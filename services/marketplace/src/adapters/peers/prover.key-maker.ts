import { isCodedError } from "@aios/kernel/coded-error";
import { type Bytes32, bytes32 } from "@aios/kernel/identifiers";
import {
  KeyState,
  type ModelKey,
  type ProverServiceService,
  ProofSystem as SystemMessage,
} from "@aios/proto/aios/prover/v1/prover";
import type { GrpcClient } from "@aios/service-kit/grpc-client";
import { proverTooOld } from "../../domain/errors.js";
import { type KeyCeremony, keyOrigin, type ProofSystem } from "../../domain/model.js";
import type { KeyMaker, KeyProgress } from "../../domain/ports.js";

export class ProverKeyMaker implements KeyMaker {
  constructor(private readonly prover: GrpcClient<typeof ProverServiceService>) {}

  async setUp(
    contentCid: string,
    modelCommitment: Bytes32,
    proofSystem: ProofSystem,
    ceremony?: KeyCeremony,
  ): Promise<KeyProgress> {
    const request = { modelCid: contentCid, ...namesOf(modelCommitment, proofSystem), ceremony };
    try {
      // Same commitment, same key: repeating the request is safe.
      return toProgress((await this.prover.setUpKey(request, { idempotent: true })).key, proofSystem);
    } catch (error) {
      if (!isCodedError(error) || error.code !== "proof-system-unavailable" || error.kind === "unavailable")
        throw error;
      const { code, message, details } = error;
      return { kind: "failed", failure: { code, message, detailsJson: JSON.stringify(details ?? {}) } };
    }
  }

  async progress(modelCommitment: Bytes32, proofSystem: ProofSystem): Promise<KeyProgress> {
    return toProgress((await this.prover.getKey(namesOf(modelCommitment, proofSystem))).key, proofSystem);
  }
}

const SYSTEMS = {
  groth16: SystemMessage.PROOF_SYSTEM_GROTH16,
  honk: SystemMessage.PROOF_SYSTEM_HONK,
} as const;

function namesOf(modelCommitment: Bytes32, proofSystem: ProofSystem) {
  return {
    modelCommitment: Buffer.from(modelCommitment.slice(2), "hex"),
    proofSystem: SYSTEMS[proofSystem],
  };
}

function toProgress(key: ModelKey | undefined, proofSystem: ProofSystem): KeyProgress {
  // A prover from before there was UltraHonk answers about Groth16 whatever it is asked for.
  if (proofSystem === "honk" && key !== undefined && key.proofSystem !== SYSTEMS.honk) throw proverTooOld();
  if (key?.state === KeyState.KEY_STATE_READY) {
    const hash = bytes32(`0x${Buffer.from(key.verifyingKeyHash).toString("hex")}`, "verifyingKeyHash");
    const { verifyingKeyCid: cid, trust, ceremonyTranscriptHash, ceremonyTranscriptCid } = key;
    const ceremony = keyOrigin(ceremonyTranscriptHash, ceremonyTranscriptCid);
    const { inputShape, multiplications } = key;
    return { kind: "ready", key: { inputShape, multiplications, hash, cid, trust, ceremony } };
  }
  if (key?.state === KeyState.KEY_STATE_FAILED) {
    const {
      code = "key-set-up-failed",
      message = "The keys could not be made.",
      detailsJson = "{}",
    } = key.error ?? {};
    return { kind: "failed", failure: { code, message, detailsJson } };
  }
  return {
    kind: "setting-up",
    stage: key?.progress?.stage ?? "waiting",
    percent: key?.progress?.percent ?? 0,
    message: key?.progress?.message ?? "The prover makes the model's keys.",
  };
}
