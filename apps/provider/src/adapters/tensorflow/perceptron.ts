import type { FloatModel } from "@aios/core-zkml/float-model";
import type { SeededRng } from "@aios/kernel/random";
import type * as Tensorflow from "@tensorflow/tfjs-core";

type Tf = typeof Tensorflow;
type Matrix = Tensorflow.Tensor2D;

type Gradient = { name: string; tensor: Tensorflow.Tensor };

interface Layer {
  /** inputs × outputs */
  readonly weights: Tensorflow.Variable;
  readonly biases: Tensorflow.Variable;
}

/**
 * A multi-layer perceptron under training: ReLU between layers, softmax cross-entropy, Adam. Gradients are written
 * out, because the gradient registry comes only with the package's layers API, five times the size of its core.
 */
export class Perceptron {
  readonly #tf: Tf;
  readonly #layers: readonly Layer[];
  readonly #optimizer: Tensorflow.AdamOptimizer;

  /** He initialisation from the generator. */
  constructor(tf: Tf, sizes: readonly number[], learningRate: number, rng: SeededRng) {
    this.#tf = tf;
    this.#layers = sizes.slice(1).map((outputs, index) => {
      const inputs = sizes[index] as number;
      const initial = gaussians(rng, inputs * outputs, Math.sqrt(2 / inputs));
      return {
        weights: tf.tidy(() => tf.variable(tf.tensor2d(initial, [inputs, outputs]))),
        biases: tf.tidy(() => tf.variable(tf.zeros([outputs]))),
      };
    });
    this.#optimizer = tf.train.adam(learningRate);
  }

  /** One step on a batch: `inputs` is batch × first size in [0, 1], `targets` batch × last size, one-hot. */
  step(inputs: Matrix, targets: Matrix, learningRate: number): void {
    const tf = this.#tf;
    const gradients = tf.tidy(() => this.#gradients(inputs, targets));
    // The rate is a plain field of the optimizer, declared protected.
    (this.#optimizer as unknown as { learningRate: number }).learningRate = learningRate;
    this.#optimizer.applyGradients(gradients);
    tf.dispose(gradients.map(({ tensor }) => tensor));
  }

  /** Index of the largest logit of each row. */
  predict(inputs: Matrix): Int32Array {
    const tf = this.#tf;
    return tf.tidy(() => {
      const { logits } = this.#forward(inputs);
      return tf.argMax(logits, 1).dataSync() as Int32Array;
    });
  }

  toFloatModel(): FloatModel {
    const tf = this.#tf;
    return {
      layers: this.#layers.map(({ weights, biases }, index) => {
        const [inputs, outputs] = weights.shape as [number, number];
        return {
          inputs,
          outputs,
          activation: index === this.#layers.length - 1 ? "none" : "relu",
          weights: Float32Array.from(tf.tidy(() => tf.transpose(weights).dataSync())),
          biases: Float32Array.from(biases.dataSync()),
        };
      }),
    };
  }

  /** Frees its memory in the WASM heap. */
  dispose(): void {
    this.#optimizer.dispose();
    for (const { weights, biases } of this.#layers) this.#tf.dispose([weights, biases]);
  }

  #forward(inputs: Matrix): { readonly activations: readonly Matrix[]; readonly logits: Matrix } {
    const tf = this.#tf;
    const activations: Matrix[] = [inputs];
    let current = inputs;
    for (const [index, { weights, biases }] of this.#layers.entries()) {
      const sums = tf.add(tf.matMul(current, weights as unknown as Matrix), biases) as Matrix;
      if (index === this.#layers.length - 1) return { activations, logits: sums };
      current = tf.relu(sums);
      activations.push(current);
    }
    throw new RangeError("a perceptron has at least one layer");
  }

  #gradients(inputs: Matrix, targets: Matrix): Gradient[] {
    const tf = this.#tf;
    const { activations, logits } = this.#forward(inputs);
    const gradients: Gradient[] = [];
    let delta = tf.div(tf.sub(tf.softmax(logits), targets), inputs.shape[0]) as Matrix;
    for (let index = this.#layers.length - 1; index >= 0; index--) {
      const { weights, biases } = this.#layers[index] as Layer;
      const before = activations[index] as Matrix;
      gradients.push({ name: weights.name, tensor: tf.matMul(before, delta, true, false) });
      gradients.push({ name: biases.name, tensor: tf.sum(delta, 0) });
      if (index > 0) {
        const passed = tf.matMul(delta, weights as unknown as Matrix, false, true);
        delta = tf.mul(passed, tf.step(before)) as Matrix;
      }
    }
    return gradients;
  }
}

/** Box–Muller. */
function gaussians(rng: SeededRng, count: number, deviation: number): Float32Array {
  return Float32Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log((rng.uint32() + 1) / 2 ** 32));
    return radius * Math.cos((2 * Math.PI * rng.uint32()) / 2 ** 32) * deviation;
  });
}
