import { type Bytes32, bytes32 } from "@aios/kernel/identifiers";
import { KeyState, type ModelKey, type ProverServiceService } from "@aios/proto/aios/prover/v1/prover";
import type { GrpcClient } from "@aios/service-kit/grpc-client";
import { type KeyCeremony, keyOrigin } from "../../domain/model.js";
import type { KeyMaker, KeyProgress } from "../../domain/ports.js";

export class ProverKeyMaker implements KeyMaker {
  constructor(private readonly prover: GrpcClient<typeof ProverServiceService>) {}

  async setUp(contentCid: string, modelCommitment: Bytes32, ceremony?: KeyCeremony): Promise<KeyProgress> {
    const request = {
      modelCid: contentCid,
      modelCommitment: Buffer.from(modelCommitment.slice(2), "hex"),
      ceremony,
    };
    // Same commitment, same key: repeating the request is safe.
    return toProgress((await this.prover.setUpKey(request, { idempotent: true })).key);
  }

  async progress(modelCommitment: Bytes32): Promise<KeyProgress> {
    return toProgress(
      (await this.prover.getKey({ modelCommitment: Buffer.from(modelCommitment.slice(2), "hex") })).key,
    );
  }
}

function toProgress(key: ModelKey | undefined): KeyProgress {
  if (key?.state === KeyState.KEY_STATE_READY) {
    const hash = bytes32(`0x${Buffer.from(key.verifyingKeyHash).toString("hex")}`, "verifyingKeyHash");
    const { verifyingKeyCid: cid, trust, ceremonyTranscriptHash, ceremonyTranscriptCid } = key;
    const ceremony = keyOrigin(ceremonyTranscriptHash, ceremonyTranscriptCid);
    return { kind: "ready", key: { hash, cid, trust, ceremony } };
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
