import { canonicalJson, type Json } from "@aios/kernel/canonical-json";
import { type Bytes32, bytes32 } from "@aios/kernel/identifiers";
import { keccak256 } from "ethers/crypto";
import { toUtf8Bytes } from "ethers/utils";

/** A training as ordered; sizes count elements, samples or epochs. */
export interface RequestedTraining {
  readonly kind: "training";
  readonly dataSet: string;
  readonly seed: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly layers: readonly number[];
  readonly trainPerClass: number;
  readonly testPerClass: number;
  readonly shiftAugmentation: boolean;
}

/** An inference as ordered; its private input is not part of the request: the order's input commitment stands for it. */
export interface RequestedInference {
  readonly kind: "inference";
  readonly modelId: number;
}

/**
 * What an order's `requestHash` stands for: keccak256 of the canonical JSON (RFC 8785) of the work. A training's names
 * whom its output is sealed to: `outputRecipientPublicKey`, 0x hex of an X25519 key; an inference has none.
 */
export function requestHash(
  work: RequestedTraining | RequestedInference,
  outputRecipientPublicKey: string,
): Bytes32 {
  return bytes32(keccak256(toUtf8Bytes(canonicalJson(requestJson(work, outputRecipientPublicKey)))));
}

function requestJson(work: RequestedTraining | RequestedInference, recipient: string): Json {
  if (work.kind === "inference") return { kind: work.kind, modelId: work.modelId.toString() };
  return {
    kind: work.kind,
    dataSet: work.dataSet,
    seed: work.seed,
    epochs: work.epochs,
    batchSize: work.batchSize,
    layers: [...work.layers],
    trainPerClass: work.trainPerClass,
    testPerClass: work.testPerClass,
    shiftAugmentation: work.shiftAugmentation,
    outputRecipientPublicKey: recipient.toLowerCase(),
  };
}
