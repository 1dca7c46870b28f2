import { toHex } from "@aios/core-rlp/hex";
import { traceTooLarge } from "./struct-logger.js";
import type { TracedFrame, TraceJson, Tracer } from "./tracer.js";

const SELECTOR_BYTES = 4;

/** Geth's 4byteTracer: how often each function selector was called, by the size of its arguments. */
export class FourByteTracer implements Tracer {
  readonly #counts = new Map<string, number>();

  constructor(private readonly maxBytes: number) {}

  enter(frame: TracedFrame): void {
    if (frame.type.startsWith("CREATE") || frame.isPrecompile || frame.input.length < SELECTOR_BYTES) return;
    const selector = toHex(frame.input.subarray(0, SELECTOR_BYTES));
    const key = `${selector}-${frame.input.length - SELECTOR_BYTES}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    if (this.#counts.size * 40 > this.maxBytes) throw traceTooLarge(this.maxBytes);
  }

  end(): TraceJson {
    return Object.fromEntries(this.#counts);
  }
}
