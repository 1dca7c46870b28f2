/** Bounds of every model format here; what is beyond them is refused before memory is reserved. */
export const MAX_LAYERS = 8;
export const MAX_LAYER_WIDTH = 65_536;
export const MAX_PARAMETERS = 1 << 24;
/** So that each logit keeps at least 8 bits of one field element; see `output-packing`. */
export const MAX_OUTPUTS = 31;
/** Salts of model commitments and of input commitments. */
export const SALT_BYTES = 32;

/** One dense layer's shape: `outputs` rows of `inputs` weights. */
export interface LayerShape {
  readonly inputs: number;
  readonly outputs: number;
  readonly activation: "relu" | "none";
}

/**
 * What is wrong with a stack of dense layers, or `undefined`. Each layer takes what the one before it gives,
 * hidden layers end in ReLU, the last one gives raw logits.
 */
export function shapeProblem(layers: readonly LayerShape[]): string | undefined {
  if (layers.length < 1 || layers.length > MAX_LAYERS)
    return `it has ${layers.length} layers, not 1 to ${MAX_LAYERS}`;
  let parameters = 0;
  for (const [index, layer] of layers.entries()) {
    for (const width of [layer.inputs, layer.outputs]) {
      if (!Number.isInteger(width) || width < 1 || width > MAX_LAYER_WIDTH) {
        return `layer ${index} has a width of ${width}, not 1 to ${MAX_LAYER_WIDTH}`;
      }
    }
    const before = layers[index - 1];
    if (before !== undefined && before.outputs !== layer.inputs) {
      return `layer ${index} takes ${layer.inputs} values but layer ${index - 1} gives ${before.outputs}`;
    }
    const last = index === layers.length - 1;
    if (layer.activation !== (last ? "none" : "relu")) {
      return `layer ${index} must have activation "${last ? "none" : "relu"}"`;
    }
    if (last && layer.outputs > MAX_OUTPUTS)
      return `it has ${layer.outputs} outputs, not 1 to ${MAX_OUTPUTS}`;
    parameters += layer.outputs * (layer.inputs + 1);
    if (parameters > MAX_PARAMETERS) return `it has more than ${MAX_PARAMETERS} parameters`;
  }
  return undefined;
}
