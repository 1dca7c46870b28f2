import type { ImportedModel } from "@aios/core-model-import/imported-model";
import { importOnnx } from "@aios/core-model-import/onnx-import";
import { importTfjsLayers } from "@aios/core-model-import/tfjs-import";
import { DEFAULT_MAX_LOG_ROWS, gateCount, logRowsFor } from "@aios/core-ultra-honk/gate-count";
import { honkProofBytes } from "@aios/core-ultra-honk/honk-proof";
import type { LabelledSamples } from "@aios/core-zkml/accuracy";
import { compileCircuit } from "@aios/core-zkml/circuit";
import { circuitSize, MAX_CONSTRAINTS, MAX_TERMS } from "@aios/core-zkml/circuit-size";
import {
  type GraphQuantisationOptions,
  type GraphQuantisationReport,
  quantiseGraph,
} from "@aios/core-zkml/graph-quantisation";
import { encodeIntegerGraph, graphCommitment } from "@aios/core-zkml/integer-graph-codec";
import { elementCount, type IntegerGraph } from "@aios/core-zkml/integer-node";
import type { Json } from "@aios/kernel/canonical-json";
import { CodedError } from "@aios/kernel/coded-error";
import { webRng } from "./web-rng.js";

/** A trained model as its tool wrote it. */
export type ModelSource =
  | { readonly format: "onnx"; readonly bytes: Uint8Array }
  /** Text of `model.json`, and the weight files one after another in its manifest's order. */
  | { readonly format: "tfjs-layers"; readonly topology: string; readonly weights: Uint8Array };

export interface ModelImportOptions extends GraphQuantisationOptions {
  /** Inputs that the activations' intervals are chosen by: as the model will see them, one byte a value. */
  readonly calibration: readonly Uint8Array[];
  /** Labelled inputs that neither training nor calibration has seen; without them no accuracy is reported. */
  readonly samples?: LabelledSamples;
  /** 32 bytes that hide the model behind its commitment; drawn freshly where none are given. */
  readonly salt?: Uint8Array;
}

/** Whether a proof system takes the model, with what it costs there or why it does not. */
export interface BackEndFit {
  readonly system: string;
  readonly fits: boolean;
  /** Under UltraHonk gates; Groth16's, of which it takes more, where the circuit is too large to be written. */
  readonly constraints: number;
  readonly reason: string;
}

export interface ModelImportReport {
  /** What the importer left out or changed. */
  readonly notes: readonly string[];
  readonly quantisation: GraphQuantisationReport;
  readonly backEnds: readonly BackEndFit[];
}

/** A provable model, ready to be stored and published. */
export interface ImportedProvableModel {
  readonly graph: IntegerGraph;
  /** What is encrypted and stored. */
  readonly encoded: Uint8Array;
  /** keccak256 of `encoded`, for the publication. */
  readonly commitment: Uint8Array;
  readonly report: ModelImportReport;
}

/**
 * Makes a trained model provable: reads ONNX or TensorFlow.js layers, quantises it to integers, proves the ranges, and
 * says what was lost and which proof systems take it. Runs here: the model goes nowhere. Costs two evaluations a
 * calibration input and sample (a LeNet-5: about 10 ms each) and one compilation (about a second).
 *
 * Throws what the importers throw (`unsupported-model` naming the node, `malformed-model`, `dynamic-shape`,
 * `weight-not-finite`), `invalid-samples`, `wrong-input-shape`, `scale-out-of-range`, `model-range-exceeded`.
 */
export function importModel(source: ModelSource, options: ModelImportOptions): ImportedProvableModel {
  const { calibration, samples, salt = webRng.bytes(32), ...quantisationOptions } = options;
  const { graph: float, notes } = readModel(source);
  const { graph, report } = quantiseGraph(float, calibration, salt, samples, quantisationOptions);
  return {
    graph,
    encoded: encodeIntegerGraph(graph),
    commitment: graphCommitment(graph),
    report: { notes, quantisation: report, backEnds: backEndFits(graph) },
  };
}

/** The float model as its file says, before quantisation. Throws as `importModel`. */
export function readModel(source: ModelSource): ImportedModel {
  return source.format === "onnx"
    ? importOnnx(source.bytes)
    : importTfjsLayers(source.topology, source.weights);
}

/** Where one does not fit it says which one does. */
function backEndFits(graph: IntegerGraph): BackEndFit[] {
  const groth16 = groth16Fit(graph);
  return [groth16, honkFit(graph, groth16)];
}

function groth16Fit(graph: IntegerGraph): BackEndFit {
  const { constraints, terms } = circuitSize(graph);
  const fits = constraints <= MAX_CONSTRAINTS && terms <= MAX_TERMS;
  const limits = `${MAX_CONSTRAINTS} constraints over ${MAX_TERMS} terms`;
  return {
    system: "groth16-bn254",
    fits,
    constraints,
    reason: fits
      ? `${constraints} constraints. A proof has 256 bytes; the key belongs to this model alone.`
      : `It would take ${constraints} constraints over ${terms} terms; at most ${limits} are supported.`,
  };
}

/** By the same circuit: what Groth16 cannot write UltraHonk, which needs more gates than that has constraints, cannot. */
function honkFit(graph: IntegerGraph, groth16: BackEndFit): BackEndFit {
  const system = "ultrahonk-bn254";
  const most = `provers take 2^${DEFAULT_MAX_LOG_ROWS} gates, unless their operators allow more.`;
  if (!groth16.fits) {
    const reason = `It would take more gates than Groth16 constraints, ${groth16.constraints}; ${most}`;
    return { system, fits: false, constraints: groth16.constraints, reason };
  }
  const gates = gateCount(compileCircuit(graph));
  const logRows = logRowsFor(gates);
  const fits = logRows <= DEFAULT_MAX_LOG_ROWS;
  return {
    system,
    fits,
    constraints: gates,
    reason: fits
      ? `${gates} gates in 2^${logRows} rows. A proof has ${honkProofBytes(logRows)} bytes; no ceremony for this model is needed.`
      : `It would take ${gates} gates; ${most} ${groth16.system} takes it.`,
  };
}

/** Cuts bytes into inputs of the model's size. Throws `invalid-samples` where they do not come out even. */
export function inputsFrom(bytes: Uint8Array, inputShape: readonly [number, number, number]): Uint8Array[] {
  const size = elementCount(inputShape);
  if (bytes.length === 0 || bytes.length % size !== 0) {
    throw new CodedError({
      code: "invalid-samples",
      kind: "invalid",
      message: `The model takes inputs of ${inputShape.join(" × ")} bytes; ${bytes.length} bytes are not a whole number of them.`,
      details: { bytes: bytes.length, inputBytes: size },
    });
  }
  return Array.from({ length: bytes.length / size }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}

/** The report as a draft's `report`: JSON, where a node without any loss has null decibels. */
export function reportJson(report: ModelImportReport): Json {
  return JSON.parse(JSON.stringify(report)) as Json;
}
