import { encodeFloatModel } from "@aios/core-zkml/float-model";
import { splitDigits } from "@aios/datasets/digit-split";
import { loadDigits } from "@aios/datasets/digits";
import { DIGIT_CLASSES, DIGIT_PIXELS, digitAt, type LabelledDigits } from "@aios/datasets/labelled-digits";
import { shiftDigit } from "@aios/datasets/shift";
import { SeededRng } from "@aios/kernel/random";
import { monotonicMs } from "@aios/service-kit/system-clock";
import type * as Tensorflow from "@tensorflow/tfjs-core";
import { unknownDataSet } from "../../domain/errors.js";
import type { TrainedModel, Trainer, TrainingPlan, TrainingProgress } from "../../domain/ports.js";
import { Perceptron } from "./perceptron.js";
import { startTensorflow, type TensorflowDevice } from "./tensorflow-runtime.js";

type Tf = typeof Tensorflow;

/** Rate for a batch of 64; grows with the square root of the batch, falls to 0 along a half cosine. */
const LEARNING_RATE = 0.002;
const REFERENCE_BATCH = 64;
const TEST_BATCH = 1_000;
const MEASURED_STEPS = 40;

/** Trains on TensorFlow.js in this thread; `ChildProcessTrainer` keeps it off the main one. */
export class TensorflowTrainer implements Trainer {
  readonly #device: TensorflowDevice;

  constructor(device: TensorflowDevice = "processor") {
    this.#device = device;
  }

  async train(
    plan: TrainingPlan,
    onProgress: (progress: TrainingProgress) => void,
    signal: AbortSignal,
  ): Promise<TrainedModel> {
    if (plan.dataSet !== "mnist-digits") throw unknownDataSet(plan.dataSet);
    const tf = await startTensorflow(this.#device);
    const { train, unseen } = splitDigits(await loadDigits(), plan);
    const rng = new SeededRng(plan.seed);
    const baseRate = LEARNING_RATE * Math.sqrt(plan.batchSize / REFERENCE_BATCH);
    const model = new Perceptron(tf, plan.layers, baseRate, rng);
    try {
      const batches = new BatchMaker(tf, train, plan, rng);
      let accuracy = 0;
      for (let epoch = 0; epoch < plan.epochs; epoch++) {
        const rate = baseRate * 0.5 * (1 + Math.cos((Math.PI * epoch) / plan.epochs));
        for (const { inputs, targets } of batches.epoch()) {
          model.step(inputs, targets, rate);
          tf.dispose([inputs, targets]);
        }
        await new Promise((resolve) => setImmediate(resolve));
        signal.throwIfAborted();
        accuracy = accuracyOf(tf, model, unseen);
        onProgress({ epoch: epoch + 1, epochs: plan.epochs, accuracy });
      }
      return {
        model: encodeFloatModel(model.toFloatModel()),
        accuracy,
        trainedOn: train.count,
        testedOn: unseen.count,
        samplesSeen: train.count * plan.epochs,
      };
    } finally {
      model.dispose();
    }
  }

  async measureSamplesPerSecond(signal: AbortSignal): Promise<number> {
    const tf = await startTensorflow(this.#device);
    signal.throwIfAborted();
    const rng = new SeededRng(1);
    const model = new Perceptron(tf, [784, 128, 10], LEARNING_RATE, rng);
    try {
      const inputs = tf.tensor2d(
        Float32Array.from(rng.bytes(REFERENCE_BATCH * 784), (byte) => byte / 255),
        [REFERENCE_BATCH, 784],
      );
      const targets = tf.tensor2d(
        Float32Array.from({ length: REFERENCE_BATCH * 10 }, (_, at) => (at % 10 === 0 ? 1 : 0)),
        [REFERENCE_BATCH, 10],
      );
      model.step(inputs, targets, LEARNING_RATE);
      const startedAt = monotonicMs();
      for (let step = 0; step < MEASURED_STEPS; step++) model.step(inputs, targets, LEARNING_RATE);
      const elapsedSeconds = (monotonicMs() - startedAt) / 1_000;
      tf.dispose([inputs, targets]);
      return Math.round((MEASURED_STEPS * REFERENCE_BATCH) / elapsedSeconds);
    } finally {
      model.dispose();
    }
  }
}

interface Batch {
  readonly inputs: Tensorflow.Tensor2D;
  readonly targets: Tensorflow.Tensor2D;
}

class BatchMaker {
  readonly #tf: Tf;
  readonly #digits: LabelledDigits;
  readonly #plan: TrainingPlan;
  readonly #rng: SeededRng;
  readonly #order: number[];
  readonly #shifted = new Uint8Array(DIGIT_PIXELS);

  constructor(tf: Tf, digits: LabelledDigits, plan: TrainingPlan, rng: SeededRng) {
    this.#tf = tf;
    this.#digits = digits;
    this.#plan = plan;
    this.#rng = rng;
    this.#order = Array.from({ length: digits.count }, (_, index) => index);
  }

  /** All images once, in a new order; the caller disposes of each batch. */
  *epoch(): Generator<Batch> {
    this.#rng.shuffle(this.#order);
    for (let start = 0; start < this.#order.length; start += this.#plan.batchSize) {
      yield this.#batch(this.#order.slice(start, start + this.#plan.batchSize));
    }
  }

  #batch(indices: readonly number[]): Batch {
    const inputs = new Float32Array(indices.length * DIGIT_PIXELS);
    const targets = new Float32Array(indices.length * DIGIT_CLASSES);
    for (const [row, index] of indices.entries()) {
      let pixels = digitAt(this.#digits, index);
      if (this.#plan.shiftAugmentation) {
        shiftDigit(pixels, this.#shifted, this.#rng.below(3) - 1, this.#rng.below(3) - 1);
        pixels = this.#shifted;
      }
      const offset = row * DIGIT_PIXELS;
      for (let at = 0; at < DIGIT_PIXELS; at++) inputs[offset + at] = (pixels[at] as number) / 255;
      targets[row * DIGIT_CLASSES + (this.#digits.labels[index] as number)] = 1;
    }
    return {
      inputs: this.#tf.tensor2d(inputs, [indices.length, DIGIT_PIXELS]),
      targets: this.#tf.tensor2d(targets, [indices.length, DIGIT_CLASSES]),
    };
  }
}

function accuracyOf(tf: Tf, model: Perceptron, digits: LabelledDigits): number {
  let right = 0;
  for (let start = 0; start < digits.count; start += TEST_BATCH) {
    const count = Math.min(TEST_BATCH, digits.count - start);
    const pixels = digits.pixels.subarray(start * DIGIT_PIXELS, (start + count) * DIGIT_PIXELS);
    const inputs = tf.tensor2d(
      Float32Array.from(pixels, (byte) => byte / 255),
      [count, DIGIT_PIXELS],
    );
    const predicted = model.predict(inputs);
    tf.dispose(inputs);
    for (let at = 0; at < count; at++) if (predicted[at] === digits.labels[start + at]) right++;
  }
  return right / digits.count;
}
