import type { RequestedInference, RequestedTraining } from "@aios/core-settlement/request-hash";
import { canonicalJson, type Json } from "@aios/kernel/canonical-json";
import { type Bytes32, bytes32 } from "@aios/kernel/identifiers";
import { type WeiAmount, weiAmount } from "@aios/kernel/units";
import { keccak256, toUtf8Bytes } from "ethers";
import { inputShape, invalidRequest } from "./errors.js";
import type { VerificationLevel } from "./job.js";

/** 28 × 28 pixels, one byte each: what the data set has, and models from before they said what they take. */
export const IMAGE_SHAPE = [1, 28, 28] as const;
const IMAGE_BYTES = 784;
/** Multiply-accumulates of one inference of the network 784–128–10. */
export const DIGIT_NETWORK_WORK_UNITS = 784 * 128 + 128 * 10;
/** No model takes more. */
const MAX_INPUT_BYTES = 65_536;
export const DATA_SETS = ["mnist-digits"] as const;
const CLASSES = 10;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,200}$/;

const TRAINING_BOUNDS = {
  epochs: [1, 50],
  batchSize: [1, 1024],
  trainPerClass: [1, 900],
  testPerClass: [1, 200],
} as const;
const MAX_LAYERS = 6;
const MAX_LAYER_WIDTH = 1024;

/** A request as it came in, before anything is known to be right about it. */
export interface RequestedWork {
  readonly training?: Omit<RequestedTraining, "kind"> | undefined;
  readonly inference?: { readonly modelId: number; readonly input: Uint8Array } | undefined;
}

export type CheckedWork =
  | { readonly work: RequestedTraining; readonly input: undefined }
  | { readonly work: RequestedInference; readonly input: Uint8Array };

/** Checks ranges; an input's shape needs its model (`checkInput`). Throws `input-size`, `work-missing`, `training-out-of-range`, `unknown-data-set`, `model-id-missing`. */
export function checkWork(requested: RequestedWork | undefined): CheckedWork {
  if (requested?.inference !== undefined && requested.training === undefined) {
    const { modelId, input } = requested.inference;
    if (!Number.isSafeInteger(modelId) || modelId < 1) {
      throw invalidRequest(
        "model-id-missing",
        "inference.modelId",
        "Name the model by its id, a whole number from 1.",
      );
    }
    if (input.length === 0 || input.length > MAX_INPUT_BYTES)
      throw invalidRequest(
        "input-size",
        "inference.input",
        `The input must have 1 to ${MAX_INPUT_BYTES} bytes, one an element.`,
      );
    return { work: { kind: "inference", modelId }, input };
  }
  if (requested?.training !== undefined && requested.inference === undefined) {
    return { work: checkTraining(requested.training), input: undefined };
  }
  throw invalidRequest("work-missing", "spec", "Ask for either a training or an inference.");
}

/** Whether the input has as many elements as the model takes. Throws `input-shape`. */
export function checkInput(shape: readonly number[], input: Uint8Array | undefined): void {
  const expected = shape.reduce((product, length) => product * length, 1);
  if (input?.length !== expected) throw inputShape(shape, input?.length ?? 0);
}

function checkTraining(requested: Omit<RequestedTraining, "kind">): RequestedTraining {
  if (!DATA_SETS.some((name) => name === requested.dataSet)) {
    throw invalidRequest(
      "unknown-data-set",
      "training.dataSet",
      `The data set must be one of: ${DATA_SETS.join(", ")}.`,
    );
  }
  for (const [field, [low, high]] of Object.entries(TRAINING_BOUNDS)) {
    const value = requested[field as keyof typeof TRAINING_BOUNDS];
    if (!Number.isInteger(value) || value < low || value > high) throw outOfRange(field, `${low} to ${high}`);
  }
  if (!Number.isInteger(requested.seed) || requested.seed < 0 || requested.seed > 0xffffffff) {
    throw outOfRange("seed", "0 to 4294967295");
  }
  const { layers } = requested;
  const widthsRight = layers.every(
    (width) => Number.isInteger(width) && width >= 1 && width <= MAX_LAYER_WIDTH,
  );
  if (
    layers.length < 2 ||
    layers.length > MAX_LAYERS ||
    layers[0] !== IMAGE_BYTES ||
    layers.at(-1) !== CLASSES ||
    !widthsRight
  ) {
    throw outOfRange(
      "layers",
      `2 to ${MAX_LAYERS} sizes of 1 to ${MAX_LAYER_WIDTH}, first ${IMAGE_BYTES}, last ${CLASSES}`,
    );
  }
  return {
    kind: "training",
    dataSet: requested.dataSet,
    seed: requested.seed,
    epochs: requested.epochs,
    batchSize: requested.batchSize,
    layers: [...layers],
    trainPerClass: requested.trainPerClass,
    testPerClass: requested.testPerClass,
    shiftAugmentation: requested.shiftAugmentation,
  };
}

function outOfRange(field: string, range: string): Error {
  return invalidRequest("training-out-of-range", `training.${field}`, `${field} must be ${range}.`, {
    range,
  });
}

/** Throws `price-cap-invalid`. */
export function checkPriceCap(text: string): WeiAmount {
  try {
    const wei = weiAmount(text, "priceCapWei");
    if (wei > 0n && wei < 1n << 128n) return wei;
  } catch {
    // Falls through to the error that names the field.
  }
  throw invalidRequest(
    "price-cap-invalid",
    "priceCapWei",
    "The price cap must be a positive whole number of wei, as decimal text.",
  );
}

/** Throws `idempotency-key-invalid`. */
export function checkIdempotencyKey(key: string): string {
  if (IDEMPOTENCY_KEY.test(key)) return key;
  throw invalidRequest(
    "idempotency-key-invalid",
    "idempotencyKey",
    "Send an idempotency key of 1 to 200 visible ASCII characters.",
  );
}

/** Training is delivered sealed and cannot be proven. Throws `verification-not-offered`, `output-key-invalid`. */
export function checkDelivery(
  kind: "training" | "inference",
  verification: VerificationLevel,
  outputKey: Uint8Array,
): void {
  if (kind === "inference") return;
  if (verification !== "none") {
    throw invalidRequest(
      "verification-not-offered",
      "verification",
      "Training is offered with verification 'none' only.",
    );
  }
  if (outputKey.length !== 32) {
    throw invalidRequest(
      "output-key-invalid",
      "outputRecipientPublicKey",
      "Send the 32-byte X25519 key that the output is sealed to.",
    );
  }
}

/** Equal requests have equal digests; used to tell a repeated request from a reused key. */
export function bodyDigest(body: Json): Bytes32 {
  return bytes32(keccak256(toUtf8Bytes(canonicalJson(body))));
}

/** How much work it is: multiply-accumulates, or samples seen in all epochs. */
export function trainingSamples(work: RequestedTraining): number {
  return work.trainPerClass * CLASSES * work.epochs;
}
