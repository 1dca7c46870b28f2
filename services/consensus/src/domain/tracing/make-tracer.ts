import { CallTracer } from "./call-tracer.js";
import { FourByteTracer } from "./four-byte-tracer.js";
import { PrestateTracer } from "./prestate-tracer.js";
import { StructLogger } from "./struct-logger.js";
import type { TraceOptions, Tracer } from "./tracer.js";

/** Output of one request's tracers, all transactions of a block together. */
export const MAX_TRACE_BYTES = 24 * 1024 * 1024;

/** A fresh tracer for one transaction. */
export function makeTracer(options: TraceOptions, maxBytes: number = MAX_TRACE_BYTES): Tracer {
  switch (options.tracer) {
    case "structLogger":
      return new StructLogger(options, maxBytes);
    case "callTracer":
      return new CallTracer(options, maxBytes);
    case "prestateTracer":
      return new PrestateTracer(options, maxBytes);
    case "4byteTracer":
      return new FourByteTracer(maxBytes);
  }
}
