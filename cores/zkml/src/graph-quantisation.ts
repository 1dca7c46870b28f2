import { CodedError } from "@aios/kernel/coded-error";
import { type AccuracyReport, type LabelledSamples, measureAccuracy } from "./accuracy.js";
import { foldBatchNorms } from "./batch-norm-folding.js";
import { evaluateFloatGraph, evaluateFloatTensors } from "./float-evaluator.js";
import { type FloatGraph, floatShapes, validateFloatGraph } from "./float-graph.js";
import { evaluateGraph } from "./graph-evaluator.js";
import { GraphQuantiser, type QuantisedTensor } from "./graph-quantiser.js";
import { analyseGraphRanges } from "./graph-ranges.js";
import { validateIntegerGraph } from "./integer-graph.js";
import { elementCount, type IntegerGraph } from "./integer-node.js";
import { poolBeforeActivation } from "./pool-reordering.js";
import type { Granularity } from "./weight-quantisation.js";

export interface GraphQuantisationOptions {
  /** Default: one weight scale an output channel. */
  readonly granularity?: Granularity;
  /**
   * Smallest multiplier of a requantisation, 1 to 128 (default). Fewer bits save as many constraints a value and cost
   * up to 1 / minMultiplier of an activation's 256 steps.
   */
  readonly minMultiplier?: number;
}

/** What became of one node of the float model (after folding and reordering). */
export interface TensorReport {
  readonly name: string;
  readonly kind: string;
  /** Real value of one unit, of the coarsest channel. */
  readonly scale: number;
  /** Smallest and largest real value that calibration reached. */
  readonly calibratedMin: number;
  readonly calibratedMax: number;
  /** Largest magnitude of the integers that any input could reach. */
  readonly provenBound: number;
  /**
   * Power of the float values over that of their difference to the integers, in decibels, on the calibration inputs:
   * a drop from one node to the next says where accuracy was lost. Infinity when nothing was.
   */
  readonly signalToNoiseDb: number;
}

export interface GraphQuantisationReport {
  readonly tensors: readonly TensorReport[];
  readonly calibrationSamples: number;
  readonly accuracy: AccuracyReport | undefined;
}

/** Calibration samples × intermediate values that are held at once. */
const MAX_CALIBRATION_VALUES = 2 ** 26;

function assertCalibration(graph: FloatGraph, inputs: readonly Uint8Array[]): void {
  const values = floatShapes(graph).reduce((sum, shape) => sum + elementCount(shape), 0);
  const most = Math.floor(MAX_CALIBRATION_VALUES / values);
  if (inputs.length >= 1 && inputs.length <= most) return;
  throw new CodedError({
    code: "invalid-samples",
    kind: "unprocessable",
    message: `Calibration of this model needs 1 to ${most} inputs.`,
    details: { inputs: inputs.length, most },
  });
}

/** Finite numbers may have products that are not: what was folded is validated anew. */
function folded(float: FloatGraph): FloatGraph {
  const graph = foldBatchNorms(float);
  validateFloatGraph(graph);
  return graph;
}

function signalToNoiseDb(
  floats: readonly Float64Array[],
  tensor: QuantisedTensor,
  integers: readonly Int32Array[],
): number {
  let [signal, noise] = [0, 0];
  for (const [sample, values] of floats.entries()) {
    const quantised = integers[sample] as Int32Array;
    const plane = values.length / tensor.scales.length;
    for (const [at, value] of values.entries()) {
      const unit = tensor.scales[Math.floor(at / plane)] as number;
      signal += value ** 2;
      noise += (value - unit * (quantised[at] as number)) ** 2;
    }
  }
  return noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise);
}

/**
 * Post-training quantisation of a graph: int8 weights, int32 biases, 8-bit activations whose intervals come from what
 * `calibrationInputs` reach through the already quantised nodes before. Batch normalisation is folded, max pooling
 * goes before monotone activations, sums of average pooling and accumulators stay exact where that is possible. The
 * result is range-checked for every possible input, not only for these.
 *
 * `salt` (32 bytes) goes into the model commitment. With `samples`, the report compares both models' accuracy.
 * Throws `invalid-float-graph` (shape, NaN, infinity), `invalid-samples` (missing or too much calibration data, labels),
 * `wrong-input-shape`, `scale-out-of-range`, `model-range-exceeded`. Cost: two forward passes for each calibration
 * input, two for each sample.
 */
export function quantiseGraph(
  float: FloatGraph,
  calibrationInputs: readonly Uint8Array[],
  salt: Uint8Array,
  samples?: LabelledSamples,
  options: GraphQuantisationOptions = {},
): { readonly graph: IntegerGraph; readonly report: GraphQuantisationReport } {
  validateFloatGraph(float);
  assertCalibration(float, calibrationInputs);
  const source = poolBeforeActivation(folded(float));
  const floats = calibrationInputs.map((input) => evaluateFloatTensors(source, input));
  const quantiser = new GraphQuantiser(source, calibrationInputs, {
    granularity: options.granularity ?? "channel",
    minMultiplier: Math.max(1, Math.min(128, Math.round(options.minMultiplier ?? 128))),
  });
  const tensors = source.nodes.map((_, index) => quantiser.add(index));
  const graph: IntegerGraph = { inputShape: source.inputShape, nodes: quantiser.nodes, salt: salt.slice() };
  validateIntegerGraph(graph);
  const ranges = analyseGraphRanges(graph);
  const report = source.nodes.map(({ name, kind }, index): TensorReport => {
    const tensor = tensors[index] as QuantisedTensor;
    const reached = floats.map((sample) => sample[index + 1] as Float64Array);
    const range = ranges[tensor.id];
    const bounds = range === undefined ? [] : [...range.min, ...range.max];
    return {
      name,
      kind,
      scale: tensor.scales.reduce((a, b) => Math.max(a, b), 0),
      calibratedMin: reached.reduce((low, values) => values.reduce((a, b) => Math.min(a, b), low), 0),
      calibratedMax: reached.reduce((high, values) => values.reduce((a, b) => Math.max(a, b), high), 0),
      provenBound: bounds.reduce((bound, value) => Math.max(bound, Math.abs(value)), 0),
      signalToNoiseDb: signalToNoiseDb(reached, tensor, quantiser.valuesOf(tensor.id)),
    };
  });
  const accuracy =
    samples === undefined
      ? undefined
      : measureAccuracy(
          samples,
          (input) => evaluateFloatGraph(float, input),
          (input) => evaluateGraph(graph, input),
        );
  return { graph, report: { tensors: report, calibrationSamples: calibrationInputs.length, accuracy } };
}
