import { CodedError } from "@aios/kernel/coded-error";
import { SeededRng } from "@aios/kernel/random";
import { DIGIT_CLASSES, type LabelledDigits, selectDigits } from "./labelled-digits.js";

export interface SplitOptions {
  /** 32-bit seed: the same seed gives the same split everywhere. */
  readonly seed: number;
  /** Exactly this many of each class are kept unseen. */
  readonly testPerClass: number;
  /** At most this many of each class are trained on; smaller classes give all they have left. */
  readonly trainPerClass: number;
}

export interface DigitSplit {
  readonly train: LabelledDigits;
  readonly unseen: LabelledDigits;
}

/**
 * A stratified split without overlap: each class is shuffled by the seed, its first `testPerClass` are unseen, the
 * next `trainPerClass` train. Both sets are shuffled again, so that classes mix. Throws `split-too-large`.
 */
export function splitDigits(digits: LabelledDigits, options: SplitOptions): DigitSplit {
  const { seed, testPerClass, trainPerClass } = options;
  const rng = new SeededRng(seed);
  const train: number[] = [];
  const unseen: number[] = [];
  for (let digit = 0; digit < DIGIT_CLASSES; digit++) {
    const own: number[] = [];
    for (let index = 0; index < digits.count; index++) if (digits.labels[index] === digit) own.push(index);
    if (!isCount(testPerClass) || !isCount(trainPerClass) || testPerClass >= own.length) {
      throw new CodedError({
        code: "split-too-large",
        kind: "unprocessable",
        message: `A class has ${own.length} digits: keep fewer than that unseen, and train on at least one.`,
        field: "testPerClass",
        details: { digit, available: own.length, testPerClass, trainPerClass },
      });
    }
    rng.shuffle(own);
    unseen.push(...own.slice(0, testPerClass));
    train.push(...own.slice(testPerClass, testPerClass + trainPerClass));
  }
  return {
    train: selectDigits(digits, rng.shuffle(train)),
    unseen: selectDigits(digits, rng.shuffle(unseen)),
  };
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value > 0;
}
