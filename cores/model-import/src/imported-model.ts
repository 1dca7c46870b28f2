import type { FloatGraph } from "@aios/core-zkml/float-graph";

/** A model in the form that quantisation takes. */
export interface ImportedModel {
  /** Input bytes are read as `byte / 255`, channel by channel (CHW). Validated. */
  readonly graph: FloatGraph;
  /** What was left out or changed on the way, for people; for example a softmax that is a function of the logits. */
  readonly notes: readonly string[];
}

/** Larger files are refused before they are read. */
export const MAX_MODEL_BYTES = 256 * 1024 * 1024;
export const MAX_IMPORT_NODES = 1_024;
export const MAX_DIMENSIONS = 8;
export const MAX_TENSORS = 4_096;
