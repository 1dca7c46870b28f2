import { CodedError } from "@aios/kernel/coded-error";
import { tensorShapes } from "./graph-shapes.js";
import {
  type ConvolutionNode,
  type DenseNode,
  elementCount,
  type IntegerGraph,
  type IntegerNode,
  inputsOf,
  requantiseValue,
  scalingOf,
  type TensorShape,
} from "./integer-node.js";
import { logitRange } from "./output-packing.js";

/** Smallest and largest value that each channel of a tensor can take, over every possible input. */
export interface TensorRange {
  readonly min: Float64Array;
  readonly max: Float64Array;
}

const INT32_MAX = 2 ** 31 - 1;

function exceeded(node: number, output: number, min: number, max: number): CodedError {
  return new CodedError({
    code: "model-range-exceeded",
    kind: "unprocessable",
    message: `Output ${output} of node ${node} could reach ${min} to ${max}, more than the proof system is given room for.`,
    details: { node, output, min, max },
  });
}

function emptyRange(channels: number): TensorRange {
  return { min: new Float64Array(channels), max: new Float64Array(channels) };
}

/** Bounds of Σ weight · value, and of each partial sum of it. */
class WeightedSum {
  low = 0;
  high = 0;
  negative = 0;
  positive = 0;

  add(weight: number, low: number, high: number): void {
    const [a, b] = [weight * low, weight * high];
    this.low += Math.min(a, b);
    this.high += Math.max(a, b);
    this.negative += Math.min(0, a, b);
    this.positive += Math.max(0, a, b);
  }
}

function linearRange(
  node: DenseNode | ConvolutionNode,
  index: number,
  shape: TensorShape,
  input: TensorRange,
): TensorRange {
  const range = emptyRange(node.outputs);
  const dense = node.kind === "dense";
  const kernel = dense ? shape[1] * shape[2] : node.window.kernel[0] * node.window.kernel[1];
  const groups = dense ? 1 : node.groups;
  const isPadded = !dense && node.window.padding.some((side) => side > 0);
  const groupChannels = shape[0] / groups;
  for (let output = 0, at = 0; output < node.outputs; output++) {
    const firstChannel = Math.floor(output / (node.outputs / groups)) * groupChannels;
    const sum = new WeightedSum();
    for (let channel = firstChannel; channel < firstChannel + groupChannels; channel++) {
      let [low, high] = [input.min[channel] as number, input.max[channel] as number];
      if (isPadded) [low, high] = [Math.min(0, low), Math.max(0, high)];
      for (let cell = 0; cell < kernel; cell++, at++) sum.add(node.weights[at] as number, low, high);
    }
    const bias = node.biases[output] as number;
    const [min, max] = [bias + sum.low, bias + sum.high];
    // Every partial sum, in any order, lies within bias + negative and bias + positive.
    if (Math.abs(bias) + Math.max(-sum.negative, sum.positive) > INT32_MAX)
      throw exceeded(index, output, bias + sum.negative, bias + sum.positive);
    range.min[output] = min;
    range.max[output] = max;
  }
  return range;
}

function nodeRange(
  node: IntegerNode,
  index: number,
  shapes: readonly TensorShape[],
  ranges: readonly TensorRange[],
): TensorRange {
  const first = inputsOf(node)[0] as number;
  const shape = shapes[first] as TensorShape;
  const input = ranges[first] as TensorRange;
  const mapped = (change: (low: number, high: number, channel: number) => readonly [number, number]) => {
    const range = emptyRange(shape[0]);
    for (let channel = 0; channel < shape[0]; channel++) {
      const [low, high] = change(input.min[channel] as number, input.max[channel] as number, channel);
      if (Math.max(Math.abs(low), Math.abs(high)) > INT32_MAX) throw exceeded(index, channel, low, high);
      range.min[channel] = low;
      range.max[channel] = high;
    }
    return range;
  };
  switch (node.kind) {
    case "dense":
    case "convolution":
      return linearRange(node, index, shape, input);
    case "max-pool":
      return input;
    case "sum-pool": {
      const cells = node.window.kernel[0] * node.window.kernel[1];
      const isPadded = node.window.padding.some((side) => side > 0);
      return mapped((low, high) => [
        cells * (isPadded ? Math.min(0, low) : low),
        cells * (isPadded ? Math.max(0, high) : high),
      ]);
    }
    case "add": {
      const second = ranges[node.inputs[1]] as TensorRange;
      const [a, b] = node.multipliers;
      return mapped((low, high, channel) => [
        a * low + b * (second.min[channel] as number),
        a * high + b * (second.max[channel] as number),
      ]);
    }
    case "concat": {
      const all = node.inputs.map((id) => ranges[id] as TensorRange);
      return {
        min: Float64Array.from(all.flatMap((range) => [...range.min])),
        max: Float64Array.from(all.flatMap((range) => [...range.max])),
      };
    }
    case "flatten": {
      const plane = shape[1] * shape[2];
      const channelOf = { length: elementCount(shape) };
      return {
        min: Float64Array.from(channelOf, (_, at) => input.min[Math.floor(at / plane)] as number),
        max: Float64Array.from(channelOf, (_, at) => input.max[Math.floor(at / plane)] as number),
      };
    }
    case "requantise":
      return mapped((low, high, channel) => {
        const scaling = scalingOf(node, channel);
        return [requantiseValue(low, scaling), requantiseValue(high, scaling)];
      });
    case "table":
      return mapped((low, high, channel) => {
        if (low < node.low || high > node.low + 255) throw exceeded(index, channel, low, high);
        const reached = node.table.subarray(low - node.low, high - node.low + 1);
        return [Math.min(...reached), Math.max(...reached)];
      });
  }
}

/**
 * Proves that no partial sum, in any order, leaves int32, that tables are never asked beyond their ends and that the
 * logits can be packed; back ends size their decompositions from the same bounds. Interval arithmetic over all
 * inputs, not samples: one range a tensor, the input's first. Throws `model-range-exceeded`. Cost: one pass over the
 * weights.
 */
export function analyseGraphRanges(graph: IntegerGraph): TensorRange[] {
  const shapes = tensorShapes(graph);
  const channels = graph.inputShape[0];
  const ranges: TensorRange[] = [
    { min: new Float64Array(channels), max: new Float64Array(channels).fill(255) },
  ];
  for (const [index, node] of graph.nodes.entries()) ranges.push(nodeRange(node, index, shapes, ranges));
  const output = ranges.at(-1) as TensorRange;
  const last = shapes.at(-1) as TensorShape;
  const allowed = logitRange(elementCount(last));
  for (let channel = 0; channel < last[0]; channel++) {
    const [min, max] = [output.min[channel] as number, output.max[channel] as number];
    if (min < allowed.min || max > allowed.max) throw exceeded(graph.nodes.length - 1, channel, min, max);
  }
  return ranges;
}
