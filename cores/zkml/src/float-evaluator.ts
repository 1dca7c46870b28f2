import { activate } from "./activation-function.js";
import { wrongInputShape } from "./evaluator.js";
import { type FloatGraph, type FloatNode, floatInputsOf, floatShapes } from "./float-graph.js";
import { elementCount, type TensorShape } from "./integer-node.js";
import { windowTaps } from "./window-taps.js";

type Values = Float64Array;

function dense(node: FloatNode & { kind: "dense" }, input: Values): Values {
  return Float64Array.from({ length: node.outputs }, (_, row) => {
    let sum = node.biases[row] as number;
    const start = row * input.length;
    for (let column = 0; column < input.length; column++)
      sum += (node.weights[start + column] as number) * (input[column] as number);
    return sum;
  });
}

function convolution(node: FloatNode & { kind: "convolution" }, shape: TensorShape, input: Values): Values {
  const taps = windowTaps(shape, node.window);
  const kernel = node.window.kernel[0] * node.window.kernel[1];
  const plane = shape[1] * shape[2];
  const channels = shape[0] / node.groups;
  const out = new Float64Array(node.outputs * taps.positions);
  for (let at = 0; at < out.length; at++) {
    const output = Math.floor(at / taps.positions);
    const position = at % taps.positions;
    const firstChannel = Math.floor(output / (node.outputs / node.groups)) * channels;
    const end = taps.starts[position + 1] as number;
    let sum = node.biases[output] as number;
    for (let channel = 0; channel < channels; channel++) {
      const kernelAt = (output * channels + channel) * kernel;
      const cells = (firstChannel + channel) * plane;
      for (let tap = taps.starts[position] as number; tap < end; tap++) {
        const weight = node.weights[kernelAt + (taps.kernelCells[tap] as number)] as number;
        sum += weight * (input[cells + (taps.cells[tap] as number)] as number);
      }
    }
    out[at] = sum;
  }
  return out;
}

function pool(
  node: FloatNode & { kind: "max-pool" | "average-pool" },
  shape: TensorShape,
  input: Values,
): Values {
  const taps = windowTaps(shape, node.window);
  const cells = node.window.kernel[0] * node.window.kernel[1];
  const plane = shape[1] * shape[2];
  return Float64Array.from({ length: shape[0] * taps.positions }, (_, at) => {
    const channel = Math.floor(at / taps.positions);
    const position = at % taps.positions;
    let [largest, sum] = [Number.NEGATIVE_INFINITY, 0];
    for (let tap = taps.starts[position] as number; tap < (taps.starts[position + 1] as number); tap++) {
      const value = input[channel * plane + (taps.cells[tap] as number)] as number;
      largest = Math.max(largest, value);
      sum += value;
    }
    return node.kind === "max-pool" ? largest : sum / cells;
  });
}

function evaluateNode(node: FloatNode, shape: TensorShape, inputs: readonly Values[]): Values {
  const input = inputs[0] as Values;
  switch (node.kind) {
    case "dense":
      return dense(node, input);
    case "convolution":
      return convolution(node, shape, input);
    case "max-pool":
    case "average-pool":
      return pool(node, shape, input);
    case "batch-norm": {
      const plane = shape[1] * shape[2];
      return input.map((value, at) => {
        const channel = Math.floor(at / plane);
        return value * (node.scale[channel] as number) + (node.offset[channel] as number);
      });
    }
    case "activation":
      return input.map((value) => activate(node.function, value));
    case "add":
      return input.map((value, at) => value + ((inputs[1] as Values)[at] as number));
    case "concat":
      return Float64Array.from(inputs.flatMap((part) => [...part]));
    case "flatten":
      return input;
  }
}

/** All tensors of a valid graph in 64-bit floats, the input first; for calibration and accuracy reports. Throws `wrong-input-shape`. */
export function evaluateFloatTensors(graph: FloatGraph, input: Uint8Array): Float64Array[] {
  const expected = elementCount(graph.inputShape);
  if (input.length !== expected) throw wrongInputShape(expected, input.length);
  const shapes = floatShapes(graph);
  const tensors: Values[] = [Float64Array.from(input, (byte) => byte / 255)];
  for (const node of graph.nodes) {
    const ids = floatInputsOf(node);
    const values = ids.map((id) => tensors[id] as Values);
    tensors.push(evaluateNode(node, shapes[ids[0] as number] as TensorShape, values));
  }
  return tensors;
}

/** Logits in 64-bit floats. Throws `wrong-input-shape`. */
export function evaluateFloatGraph(graph: FloatGraph, input: Uint8Array): Float64Array {
  return evaluateFloatTensors(graph, input).at(-1) as Float64Array;
}
