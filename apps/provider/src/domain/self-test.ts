import { evaluate } from "@aios/core-zkml/evaluator";
import { type IntegerModel, validateIntegerModel } from "@aios/core-zkml/integer-model";
import { canonicalJson } from "@aios/kernel/canonical-json";
import { SeededRng } from "@aios/kernel/random";
import { sha256 } from "@noble/hashes/sha2.js";

/** Multiply-accumulates of one evaluation of the reference model. */
export const REFERENCE_MACS = 784 * 128 + 128 * 10;
const REFERENCE_INPUTS = 16;
const SEED = 0xa105;

export interface SelfTestFigures {
  readonly evaluatorMacsPerSecond: number;
  readonly trainingSamplesPerSecond: number;
  /** 0x hex. */
  readonly resultHash: string;
  readonly measuredAtMs: number;
}

/** The reference model: weights from a fixed seed, so that every healthy machine computes the same bits. */
export function referenceModel(): IntegerModel {
  const rng = new SeededRng(SEED);
  const weights = (count: number): Int8Array => Int8Array.from({ length: count }, () => rng.below(255) - 127);
  const biases = (count: number): Int32Array =>
    Int32Array.from({ length: count }, () => rng.below(20_001) - 10_000);
  const hidden = { inputs: 784, outputs: 128, activation: "relu", multiplier: 181, shift: 21 } as const;
  const output = { inputs: 128, outputs: 10, activation: "none", multiplier: 0, shift: 0 } as const;
  const model: IntegerModel = {
    layers: [
      { ...hidden, weights: weights(784 * 128), biases: biases(128) },
      { ...output, weights: weights(1_280), biases: biases(10) },
    ],
    salt: rng.bytes(32),
  };
  validateIntegerModel(model);
  return model;
}

export function referenceInputs(): readonly Uint8Array[] {
  const rng = new SeededRng(SEED + 1);
  return Array.from({ length: REFERENCE_INPUTS }, () => rng.bytes(784));
}

/** SHA-256 over all logits of the reference inputs, as 32-bit little-endian integers. */
export function referenceResultHash(model: IntegerModel, inputs: readonly Uint8Array[]): Uint8Array {
  const hash = sha256.create();
  for (const input of inputs) {
    const logits = evaluate(model, input);
    const bytes = new Uint8Array(logits.length * 4);
    const view = new DataView(bytes.buffer);
    for (const [index, logit] of logits.entries()) view.setInt32(index * 4, logit, true);
    hash.update(bytes);
  }
  return hash.digest();
}

/** What the provider signs (EIP-191) with its self-test. */
export function selfTestText(figures: SelfTestFigures): string {
  return canonicalJson({ ...figures });
}
