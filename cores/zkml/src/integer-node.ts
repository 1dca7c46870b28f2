/** Channels, height, width; values lie in this order (CHW). A vector of n values is [n, 1, 1]. */
export type TensorShape = readonly [channels: number, height: number, width: number];

/** How a kernel moves over a plane. Cells outside the plane are absent: they add 0 to sums and never win a maximum. */
export interface Window {
  readonly kernel: readonly [height: number, width: number];
  readonly stride: readonly [vertical: number, horizontal: number];
  readonly padding: readonly [top: number, left: number, bottom: number, right: number];
}

/**
 * Tensors are numbered: 0 is the model's input, i + 1 is what node i gives; a node reads lower numbers only. A
 * tensor's integers stand for `scale · integer` without an offset, so that 0 is 0 everywhere; an asymmetric 8-bit
 * tensor with zero point z is the interval [−z, 255 − z]. Accumulators are int32.
 */
export type TensorId = number;

/** out[o] = biases[o] + Σ weights[o][i] · in[i] over the flattened input. Weights row-major, `outputs` × inputs. */
export interface DenseNode {
  readonly kind: "dense";
  readonly input: TensorId;
  readonly outputs: number;
  readonly weights: Int8Array;
  readonly biases: Int32Array;
}

/**
 * Cross-correlation, as ONNX's Conv. Weights are [outputs][channels / groups][kernel height][kernel width]; group g
 * of the outputs reads group g of the input channels, so `groups` = channels is a depthwise convolution.
 */
export interface ConvolutionNode {
  readonly kind: "convolution";
  readonly input: TensorId;
  readonly outputs: number;
  readonly groups: number;
  readonly window: Window;
  readonly weights: Int8Array;
  readonly biases: Int32Array;
}

/** Sum (an average whose divisor went into the scale) or largest value of each window, channel by channel. */
export interface PoolNode {
  readonly kind: "sum-pool" | "max-pool";
  readonly input: TensorId;
  readonly window: Window;
}

/** multipliers[0] · first + multipliers[1] · second, element by element; multipliers are 1 to 32,767. */
export interface AddNode {
  readonly kind: "add";
  readonly inputs: readonly [TensorId, TensorId];
  readonly multipliers: readonly [number, number];
}

/** Along channels. All inputs stand for the same scale. */
export interface ConcatNode {
  readonly kind: "concat";
  readonly inputs: readonly TensorId[];
}

/** The same values as a vector. */
export interface FlattenNode {
  readonly kind: "flatten";
  readonly input: TensorId;
}

/**
 * clamp(⌊(x · multiplier + 2^(shift−1)) / 2^shift⌋, low, low + 255); ties round up. `multipliers` has one entry or one
 * a channel (1 to 32,767). Where x < 0, `slopes` (0 to 32,767, as many) take their place: a leaky ReLU. ReLU is
 * low = 0. `shift` is 1 to 40, `low` −255 to 0.
 */
export interface RequantiseNode {
  readonly kind: "requantise";
  readonly input: TensorId;
  readonly multipliers: Uint16Array;
  readonly slopes: Uint16Array | undefined;
  readonly shift: number;
  readonly low: number;
}

/** table[x − low] for x in [low, low + 255]; 256 entries of −255 to 255. */
export interface TableNode {
  readonly kind: "table";
  readonly input: TensorId;
  readonly low: number;
  readonly table: Int16Array;
}

export type IntegerNode =
  | DenseNode
  | ConvolutionNode
  | PoolNode
  | AddNode
  | ConcatNode
  | FlattenNode
  | RequantiseNode
  | TableNode;

/**
 * The intermediate form of every provable model: a graph of integer operations over one input of bytes, in order of
 * evaluation. The last node gives the logits. What each back end proves, and the reference evaluator computes, is
 * this graph. Everything in it is public to who holds it.
 */
export interface IntegerGraph {
  readonly inputShape: TensorShape;
  readonly nodes: readonly IntegerNode[];
  /** 32 random bytes that keep the commitment from confirming guesses of the weights. */
  readonly salt: Uint8Array;
}

export function inputsOf(node: IntegerNode): readonly TensorId[] {
  return node.kind === "add" || node.kind === "concat" ? node.inputs : [node.input];
}

export function elementCount(shape: TensorShape): number {
  return shape[0] * shape[1] * shape[2];
}

/** The requantisation of one channel. */
export interface ChannelScaling {
  readonly multiplier: number;
  /** For negative values; equal to `multiplier` unless leaky. */
  readonly slope: number;
  readonly shift: number;
  readonly low: number;
}

export function scalingOf(node: RequantiseNode, channel: number): ChannelScaling {
  const index = node.multipliers.length === 1 ? 0 : channel;
  const multiplier = node.multipliers[index] as number;
  return {
    multiplier,
    slope: node.slopes === undefined ? multiplier : (node.slopes[index] as number),
    shift: node.shift,
    low: node.low,
  };
}

/** The rule of `RequantiseNode`. |x| < 2^31, so everything stays below 2^49 and doubles are exact. */
export function requantiseValue(x: number, { multiplier, slope, shift, low }: ChannelScaling): number {
  const scaled = Math.floor((x * (x < 0 ? slope : multiplier) + 2 ** (shift - 1)) / 2 ** shift);
  return Math.max(low, Math.min(low + 255, scaled));
}
