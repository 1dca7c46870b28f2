import { CodedError } from "@aios/kernel/coded-error";
import { argmax } from "./evaluator.js";

/** Labelled samples that neither training nor calibration has seen. */
export interface LabelledSamples {
  readonly inputs: readonly Uint8Array[];
  /** Index of the right output, one per input. */
  readonly labels: ArrayLike<number>;
}

export interface AccuracyReport {
  readonly samples: number;
  /** Fractions from 0 to 1. */
  readonly floatAccuracy: number;
  readonly integerAccuracy: number;
  /** `floatAccuracy − integerAccuracy` in percentage points; negative when the integers did better. */
  readonly lossPoints: number;
  /** Fraction of samples on which both models name the same output. */
  readonly agreement: number;
}

/**
 * Compares the answers of a float model and its integers on the same samples. Throws `invalid-samples` unless each
 * has a label. Cost: one evaluation of each a sample.
 */
export function measureAccuracy(
  samples: LabelledSamples,
  float: (input: Uint8Array) => ArrayLike<number>,
  integer: (input: Uint8Array) => ArrayLike<number>,
): AccuracyReport {
  const count = samples.inputs.length;
  if (count === 0 || samples.labels.length !== count) {
    throw new CodedError({
      code: "invalid-samples",
      kind: "unprocessable",
      message: "There must be one label for each sample, and at least one sample.",
      details: { inputs: count, labels: samples.labels.length },
    });
  }
  let [floatRight, integerRight, agreeing] = [0, 0, 0];
  for (const [index, input] of samples.inputs.entries()) {
    const floatGuess = argmax(float(input));
    const integerGuess = argmax(integer(input));
    if (floatGuess === samples.labels[index]) floatRight++;
    if (integerGuess === samples.labels[index]) integerRight++;
    if (floatGuess === integerGuess) agreeing++;
  }
  return {
    samples: count,
    floatAccuracy: floatRight / count,
    integerAccuracy: integerRight / count,
    lossPoints: ((floatRight - integerRight) / count) * 100,
    agreement: agreeing / count,
  };
}
