import { isWhole } from "@aios/core-honor-node/dag-block";
import type { NodeOutput } from "@aios/core-honor-node/node-protocol";

/** What a block costs beside its transactions, about. */
const BLOCK_BYTES = 1_024;

/** From here on it is full. */
export interface OutputLimits {
  readonly outputs: number;
  /** Of blocks that are to be written. */
  readonly bytes: number;
}

/** Outputs in order, with a measure of when no more should be made. It refuses none: what the protocol decided must be done. */
export class OutputQueue {
  readonly #limits: OutputLimits;
  #outputs: NodeOutput[] = [];
  #bytes = 0;

  constructor(limits: OutputLimits) {
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#outputs.length === 0;
  }

  get isFull(): boolean {
    return this.#outputs.length >= this.#limits.outputs || this.#bytes >= this.#limits.bytes;
  }

  push(output: NodeOutput): void {
    this.#outputs.push(output);
    this.#bytes += bytesOf(output);
  }

  /** All of them; none is left. */
  take(): readonly NodeOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    this.#bytes = 0;
    return outputs;
  }
}

function bytesOf(output: NodeOutput): number {
  if (output.kind !== "persist" || output.entry.kind !== "block") return 0;
  const { block } = output.entry;
  return (isWhole(block) ? block.transactions : []).reduce(
    (sum, { payload }) => sum + payload.length,
    BLOCK_BYTES,
  );
}
