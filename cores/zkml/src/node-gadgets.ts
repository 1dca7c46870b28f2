import type { TensorRange } from "./graph-ranges.js";
import {
  type ConvolutionNode,
  type DenseNode,
  type IntegerNode,
  type PoolNode,
  type RequantiseNode,
  scalingOf,
  type TensorShape,
} from "./integer-node.js";
import { differenceMagnitude, maximumGadget, maximumWitness } from "./maximum-gadget.js";
import {
  combine,
  constantTerm,
  type LinearCombination,
  ONE,
  plus,
  type R1csBuilder,
} from "./r1cs-builder.js";
import { requantisationBits, requantisationGadget, requantisationWitness } from "./requantisation-gadget.js";
import { tableGadget, tableWitness } from "./table-gadget.js";
import { windowTaps } from "./window-taps.js";

/** The first tensor that a node reads, in the circuit's terms or as numbers. */
export interface NodeInput<T> {
  readonly shape: TensorShape;
  readonly range: TensorRange;
  readonly tensors: readonly (readonly T[])[];
}

function denseTerms(node: DenseNode, input: readonly LinearCombination[]): LinearCombination[] {
  return Array.from({ length: node.outputs }, (_, row) =>
    combine([
      [ONE, BigInt(node.biases[row] as number)],
      ...input.map((x, column) => [x, BigInt(node.weights[row * input.length + column] as number)] as const),
    ]),
  );
}

function convolutionTerms(
  node: ConvolutionNode,
  shape: TensorShape,
  input: readonly LinearCombination[],
): LinearCombination[] {
  const taps = windowTaps(shape, node.window);
  const kernel = node.window.kernel[0] * node.window.kernel[1];
  const plane = shape[1] * shape[2];
  const channels = shape[0] / node.groups;
  return Array.from({ length: node.outputs * taps.positions }, (_, at) => {
    const output = Math.floor(at / taps.positions);
    const position = at % taps.positions;
    const firstChannel = Math.floor(output / (node.outputs / node.groups)) * channels;
    const parts: (readonly [LinearCombination, bigint])[] = [[ONE, BigInt(node.biases[output] as number)]];
    for (let channel = 0; channel < channels; channel++) {
      for (let tap = taps.starts[position] as number; tap < (taps.starts[position + 1] as number); tap++) {
        const cell = (firstChannel + channel) * plane + (taps.cells[tap] as number);
        const weight =
          node.weights[(output * channels + channel) * kernel + (taps.kernelCells[tap] as number)];
        if (weight !== 0) parts.push([input[cell] as LinearCombination, BigInt(weight as number)]);
      }
    }
    return combine(parts);
  });
}

/** Values under each window of a tensor, channel by channel. */
function* windows<T>(
  node: PoolNode,
  shape: TensorShape,
  input: readonly T[],
): Generator<readonly [number, T[]]> {
  const taps = windowTaps(shape, node.window);
  const plane = shape[1] * shape[2];
  for (let at = 0; at < shape[0] * taps.positions; at++) {
    const channel = Math.floor(at / taps.positions);
    const position = at % taps.positions;
    const cells = taps.cells.subarray(taps.starts[position], taps.starts[position + 1]);
    yield [channel, Array.from(cells, (cell) => input[channel * plane + cell] as T)];
  }
}

function channelDifference(range: TensorRange, channel: number): number {
  return differenceMagnitude(range.min[channel] as number, range.max[channel] as number);
}

function channelBits(node: RequantiseNode, range: TensorRange, channel: number) {
  const scaling = scalingOf(node, channel);
  const size = requantisationBits(scaling, range.min[channel] as number, range.max[channel] as number);
  return { scaling, size };
}

/** What a node gives as combinations; linear nodes add no constraint. `name` labels what it adds. */
export function nodeGadget(
  builder: R1csBuilder,
  name: string,
  node: IntegerNode,
  { shape, range, tensors }: NodeInput<LinearCombination>,
): readonly LinearCombination[] {
  const input = tensors[0] as readonly LinearCombination[];
  const plane = shape[1] * shape[2];
  switch (node.kind) {
    case "dense":
      return denseTerms(node, input);
    case "convolution":
      return convolutionTerms(node, shape, input);
    case "sum-pool":
      return Array.from(windows(node, shape, input), ([, values]) => plus(...values));
    case "max-pool":
      return Array.from(windows(node, shape, input), ([channel, values], at) =>
        maximumGadget(builder, `${name}.element[${at}]`, values, channelDifference(range, channel)),
      );
    case "add": {
      const second = tensors[1] as readonly LinearCombination[];
      const [a, b] = node.multipliers.map(BigInt) as [bigint, bigint];
      return input.map((x, at) =>
        combine([
          [x, a],
          [second[at] as LinearCombination, b],
        ]),
      );
    }
    case "concat":
      return tensors.flat();
    case "flatten":
      return input;
    case "requantise":
      return input.map((x, at) => {
        const { scaling, size } = channelBits(node, range, Math.floor(at / plane));
        return requantisationGadget(builder, `${name}.element[${at}]`, x, scaling, size);
      });
    case "table":
      return input.map((x, at) => {
        const index = node.low === 0 ? x : plus(x, constantTerm(BigInt(-node.low)));
        return tableGadget(builder, `${name}.element[${at}]`, index, node.table);
      });
  }
}

/** The node's signals in the order in which `nodeGadget` declares them. */
export function* nodeWitness(
  node: IntegerNode,
  { shape, range, tensors }: NodeInput<number>,
): Generator<readonly bigint[]> {
  const input = tensors[0] as readonly number[];
  const plane = shape[1] * shape[2];
  if (node.kind === "max-pool") {
    for (const [channel, values] of windows(node, shape, input))
      yield maximumWitness(values, channelDifference(range, channel));
  } else if (node.kind === "requantise") {
    for (const [at, x] of input.entries()) {
      const { scaling, size } = channelBits(node, range, Math.floor(at / plane));
      yield requantisationWitness(x, scaling, size);
    }
  } else if (node.kind === "table") {
    for (const x of input) yield tableWitness(x - node.low, node.table);
  }
}
