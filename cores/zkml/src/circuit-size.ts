import { CodedError } from "@aios/kernel/coded-error";
import { absorbInBlocks, PACKED_BYTES } from "./input-commitment.js";
import type { IntegerModel } from "./integer-model.js";
import { poseidonSboxes } from "./poseidon.js";
import { analyseRanges, type LayerRange } from "./range-analysis.js";
import { requantisationBits } from "./requantisation-gadget.js";

/** Beyond this a proving key is larger than what anyone should download; such models need another proof system. */
export const MAX_CONSTRAINTS = 1 << 18;
const MAX_TERMS = 4_000_000;

/** Number of constraints, without building them. */
export function countConstraints(model: IntegerModel): number {
  const ranges = analyseRanges(model.layers);
  const inputs = model.layers[0]?.inputs ?? 0;
  let count = 3 + 8 * inputs;
  const blocks = absorbInBlocks(Array.from({ length: 2 + Math.ceil(inputs / PACKED_BYTES) }));
  for (const [index, block] of blocks.entries()) {
    const constants = index === 0 ? 2 : 1;
    count += 3 * (poseidonSboxes(block.length + 1) - constants);
  }
  for (const [index, layer] of model.layers.entries()) {
    if (layer.activation === "none") continue;
    for (let row = 0; row < layer.outputs; row++) {
      const { magnitude, excess } = requantisationBits(layer, ranges[index] as LayerRange, row);
      count += magnitude + 1 + 2 + (excess > 1 ? 3 : 0) + (excess > 0 ? 1 : 0);
    }
  }
  return count;
}

/** Refuses models whose keys would be too large. Throws `circuit-too-large` with the count. */
export function assertProvable(model: IntegerModel): void {
  const constraints = countConstraints(model);
  const terms = model.layers.reduce((sum, layer) => sum + layer.weights.length, 0);
  if (constraints > MAX_CONSTRAINTS || terms > MAX_TERMS) {
    throw new CodedError({
      code: "circuit-too-large",
      kind: "unprocessable",
      message: `A proof of this model would need ${constraints} constraints; at most ${MAX_CONSTRAINTS} are supported.`,
      details: { constraints, limit: MAX_CONSTRAINTS },
    });
  }
}
