import type { Aead } from "@aios/core-sealing/aead";
import { decryptContent } from "@aios/core-sealing/content-encryption";
import { inputCommitment } from "@aios/core-zkml/input-commitment";
import { decodeJobInput } from "@aios/core-zkml/job-input";
import { packOutput } from "@aios/core-zkml/output-packing";
import { decodeProvableModel, evaluateModel, multiplicationCount } from "@aios/core-zkml/provable-model";
import type { Clock } from "@aios/kernel/clock";
import type { ContentId } from "@aios/kernel/identifiers";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { hex, type WorkDone } from "../domain/delivery.js";
import { mismatch } from "../domain/errors.js";
import type { Contents, LeaseRef } from "../domain/ports.js";

export interface InferenceOrder extends LeaseRef {
  readonly modelCid: ContentId;
  readonly modelCommitment: Uint8Array;
  readonly inputCid: ContentId;
  readonly inputCommitment: Uint8Array;
}

/** Fetches model and input under the lease, checks both against their commitments, and evaluates. */
export async function runInference(
  order: InferenceOrder,
  contents: Contents,
  clock: Clock,
  aead: Aead,
  signal: AbortSignal,
): Promise<WorkDone> {
  const startedAtMs = clock.now();
  const [modelBytes, inputBytes] = await Promise.all([
    openContent(order.modelCid, order, contents, aead, signal),
    openContent(order.inputCid, order, contents, aead, signal),
  ]);
  const model = decodeProvableModel(modelBytes);
  // The decoder is strict: a model has one encoding, so the hash of these bytes is its commitment.
  if (hex(keccak_256(modelBytes)) !== hex(order.modelCommitment))
    throw mismatch("model-commitment-mismatch", "model");
  const { input, salt } = decodeJobInput(inputBytes);
  if (inputCommitment(input, salt) !== BigInt(hex(order.inputCommitment))) {
    throw mismatch("input-commitment-mismatch", "input");
  }
  const packed = packOutput(evaluateModel(model, input));
  return {
    kind: "inference",
    output: wordOf(packed),
    outputCid: "",
    modelCommitment: order.modelCommitment,
    startedAtMs,
    finishedAtMs: clock.now(),
    workUnits: multiplicationCount(model),
  };
}

async function openContent(
  cid: ContentId,
  lease: LeaseRef,
  contents: Contents,
  aead: Aead,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const [key, ciphertext] = await Promise.all([
    contents.fetchKey(cid, { jobId: lease.jobId, fencingToken: lease.fencingToken }, signal),
    contents.fetch(cid, signal),
  ]);
  const plaintext = decryptContent(key, ciphertext, aead);
  key.fill(0);
  return plaintext;
}

/** 32 bytes, big-endian. */
function wordOf(value: bigint): Uint8Array {
  const word = new Uint8Array(32);
  for (let index = 31, rest = value; index >= 0; index--, rest >>= 8n) word[index] = Number(rest & 0xffn);
  return word;
}
