import { wrongInputShape } from "./evaluator.js";
import { tensorShapes } from "./graph-shapes.js";
import {
  type ConvolutionNode,
  type DenseNode,
  elementCount,
  type IntegerGraph,
  type IntegerNode,
  inputsOf,
  type PoolNode,
  requantiseValue,
  scalingOf,
  type TensorShape,
} from "./integer-node.js";
import { windowTaps } from "./window-taps.js";

function dense(node: DenseNode, input: Int32Array): Int32Array {
  const { weights, biases, outputs } = node;
  const out = new Int32Array(outputs);
  for (let row = 0, at = 0; row < outputs; row++) {
    let sum = biases[row] as number;
    for (let column = 0; column < input.length; column++, at++)
      sum = (sum + Math.imul(weights[at] as number, input[column] as number)) | 0;
    out[row] = sum;
  }
  return out;
}

function convolution(node: ConvolutionNode, shape: TensorShape, input: Int32Array): Int32Array {
  const { weights, biases, outputs, groups, window } = node;
  const taps = windowTaps(shape, window);
  const kernel = window.kernel[0] * window.kernel[1];
  const plane = shape[1] * shape[2];
  const channels = shape[0] / groups;
  const out = new Int32Array(outputs * taps.positions);
  for (let output = 0; output < outputs; output++) {
    const firstChannel = Math.floor(output / (outputs / groups)) * channels;
    for (let position = 0; position < taps.positions; position++) {
      const [start, end] = [taps.starts[position] as number, taps.starts[position + 1] as number];
      let sum = biases[output] as number;
      for (let channel = 0; channel < channels; channel++) {
        const cells = (firstChannel + channel) * plane;
        const kernelAt = (output * channels + channel) * kernel;
        for (let tap = start; tap < end; tap++) {
          const weight = weights[kernelAt + (taps.kernelCells[tap] as number)] as number;
          sum = (sum + Math.imul(weight, input[cells + (taps.cells[tap] as number)] as number)) | 0;
        }
      }
      out[output * taps.positions + position] = sum;
    }
  }
  return out;
}

function pool(node: PoolNode, shape: TensorShape, input: Int32Array): Int32Array {
  const taps = windowTaps(shape, node.window);
  const plane = shape[1] * shape[2];
  const out = new Int32Array(shape[0] * taps.positions);
  const isMax = node.kind === "max-pool";
  for (let channel = 0; channel < shape[0]; channel++) {
    for (let position = 0; position < taps.positions; position++) {
      let result = isMax ? -(2 ** 31) : 0;
      for (let tap = taps.starts[position] as number; tap < (taps.starts[position + 1] as number); tap++) {
        const value = input[channel * plane + (taps.cells[tap] as number)] as number;
        result = isMax ? Math.max(result, value) : (result + value) | 0;
      }
      out[channel * taps.positions + position] = result;
    }
  }
  return out;
}

/** What one node gives. `inputs` are the tensors it reads, `shape` that of the first. The graph is valid. */
export function evaluateNode(
  node: IntegerNode,
  shape: TensorShape,
  inputs: readonly Int32Array[],
): Int32Array {
  const input = inputs[0] as Int32Array;
  switch (node.kind) {
    case "dense":
      return dense(node, input);
    case "convolution":
      return convolution(node, shape, input);
    case "max-pool":
    case "sum-pool":
      return pool(node, shape, input);
    case "add": {
      const second = inputs[1] as Int32Array;
      const [a, b] = node.multipliers;
      return input.map((value, at) => (Math.imul(a, value) + Math.imul(b, second[at] as number)) | 0);
    }
    case "concat": {
      const out = new Int32Array(inputs.reduce((sum, part) => sum + part.length, 0));
      let at = 0;
      for (const part of inputs) {
        out.set(part, at);
        at += part.length;
      }
      return out;
    }
    case "flatten":
      return input;
    case "requantise": {
      const plane = shape[1] * shape[2];
      const out = new Int32Array(input.length);
      for (let channel = 0; channel < shape[0]; channel++) {
        const scaling = scalingOf(node, channel);
        for (let at = channel * plane; at < (channel + 1) * plane; at++)
          out[at] = requantiseValue(input[at] as number, scaling);
      }
      return out;
    }
    case "table":
      return input.map((value) => node.table[value - node.low] as number);
  }
}

/** Throws `wrong-input-shape`. */
export function assertGraphInput(graph: IntegerGraph, input: Uint8Array): void {
  const expected = elementCount(graph.inputShape);
  if (input.length !== expected) throw wrongInputShape(expected, input.length);
}

/**
 * All tensors of a valid graph for one input of bytes, the input itself first. Pure int32 arithmetic that the range
 * analysis keeps exact, so the same bits on every machine. Throws `wrong-input-shape`.
 */
export function evaluateTensors(graph: IntegerGraph, input: Uint8Array): Int32Array[] {
  assertGraphInput(graph, input);
  const shapes = tensorShapes(graph);
  const tensors: Int32Array[] = [Int32Array.from(input)];
  for (const node of graph.nodes) {
    const ids = inputsOf(node);
    const values = ids.map((id) => tensors[id] as Int32Array);
    tensors.push(evaluateNode(node, shapes[ids[0] as number] as TensorShape, values));
  }
  return tensors;
}

/** The reference evaluator of a graph: signed logits. Every back end must give these bits or nothing is signed. */
export function evaluateGraph(graph: IntegerGraph, input: Uint8Array): Int32Array {
  return evaluateTensors(graph, input).at(-1) as Int32Array;
}
