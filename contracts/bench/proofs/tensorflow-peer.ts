import { createRequire } from "node:module";
import { dirname } from "node:path";
import type { FloatGraph, FloatNode } from "@aios/core-zkml/float-graph";
import type { Window } from "@aios/core-zkml/integer-node";
import * as wasm from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";

type Operation = (values: readonly tf.Tensor[]) => tf.Tensor;

/** A float graph as operations of TensorFlow.js, on its WebAssembly backend with one thread; images as NHWC. */
export class TensorflowPeer {
  private constructor(
    private readonly inputShape: FloatGraph["inputShape"],
    private readonly operations: readonly Operation[],
  ) {}

  static async start({ inputShape, nodes }: FloatGraph): Promise<TensorflowPeer> {
    const directory = dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm"));
    wasm.setWasmPaths(`${directory}/`);
    wasm.setThreadsCount(1);
    tf.enableProdMode();
    if (!(await tf.setBackend("wasm"))) throw new Error("the WASM backend of TensorFlow.js does not start");
    return new TensorflowPeer(inputShape, nodes.map(operationOf));
  }

  /** Logits. */
  async evaluate(input: Uint8Array): Promise<Float32Array> {
    const output = tf.tidy(() => {
      const values = [this.#input(input)];
      for (const operation of this.operations) values.push(operation(values));
      return values.at(-1) as tf.Tensor;
    });
    const logits = await output.data();
    output.dispose();
    return logits as Float32Array;
  }

  #input(input: Uint8Array): tf.Tensor {
    const bytes = Float32Array.from(input, (byte) => byte / 255);
    return tf.transpose(tf.tensor4d(bytes, [1, ...this.inputShape]), [0, 2, 3, 1]);
  }
}

/** The weights become tensors once. Throws for a node that none of the measured models has. */
function operationOf(node: FloatNode): Operation {
  switch (node.kind) {
    case "dense": {
      const weights = tf.tensor2d(node.weights, [node.outputs, node.weights.length / node.outputs]);
      const biases = tf.tensor1d(node.biases);
      return (values) => {
        const flat = tf.reshape(tensorOf(values, node.input), [1, -1]) as tf.Tensor2D;
        return tf.add(tf.matMul(flat, weights, false, true), biases);
      };
    }
    case "convolution": {
      if (node.groups !== 1) throw new Error(`${node.name} has groups`);
      const [height, width] = node.window.kernel;
      const channels = node.weights.length / (node.outputs * height * width);
      const shape: [number, number, number, number] = [node.outputs, channels, height, width];
      const filter = tf.transpose(tf.tensor4d(node.weights, shape), [2, 3, 1, 0]) as tf.Tensor4D;
      const biases = tf.tensor1d(node.biases);
      return (values) => {
        const padded = pad(tensorOf(values, node.input), node.window);
        return tf.add(tf.conv2d(padded, filter, [...node.window.stride], "valid"), biases);
      };
    }
    case "max-pool":
    case "average-pool": {
      const { kernel, stride } = node.window;
      if (node.window.padding.some((side) => side > 0)) throw new Error(`${node.name} has padding`);
      const pool = node.kind === "max-pool" ? tf.maxPool : tf.avgPool;
      return (values) => pool(tensorOf(values, node.input), [...kernel], [...stride], "valid");
    }
    case "activation":
      if (node.function.type !== "relu") throw new Error(`${node.name} is no ReLU`);
      return (values) => tf.relu(tensorOf(values, node.input));
    case "flatten":
      // Ours goes channel by channel.
      return (values) => tf.reshape(tf.transpose(tensorOf(values, node.input), [0, 3, 1, 2]), [1, -1]);
    default:
      throw new Error(`${node.name} is not among the peer's nodes`);
  }
}

function tensorOf(values: readonly tf.Tensor[], id: number): tf.Tensor4D {
  return values[id] as tf.Tensor4D;
}

function pad(value: tf.Tensor4D, { padding: [top, left, bottom, right] }: Window): tf.Tensor4D {
  if (top + left + bottom + right === 0) return value;
  return tf.pad(value, [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ]);
}
