import type { TraceOptions } from "../../domain/tracing/tracer.js";
import { asObject, flag } from "./parameters.js";
import { invalidParams } from "./rpc-error.js";

const TRACERS = ["callTracer", "prestateTracer", "4byteTracer"] as const;

/** The trace configuration of `debug_trace…` (execution-apis `TraceConfig`). */
export function traceOptions(value: unknown): TraceOptions {
  const config = value === undefined || value === null ? {} : asObject(value, "traceConfig");
  const tracer = config["tracer"] ?? "";
  if (typeof tracer !== "string") throw invalidParams("tracer must be a string");
  const own =
    config["tracerConfig"] === undefined || config["tracerConfig"] === null
      ? {}
      : asObject(config["tracerConfig"], "tracerConfig");
  switch (tracer) {
    case "":
    case "structLogger":
      return {
        tracer: "structLogger",
        enableMemory: flag(config["enableMemory"], "enableMemory"),
        disableStack: flag(config["disableStack"], "disableStack"),
        disableStorage: flag(config["disableStorage"], "disableStorage"),
        enableReturnData: flag(config["enableReturnData"], "enableReturnData"),
        limit: stepLimit(config["limit"]),
      };
    case "callTracer":
      return {
        tracer,
        onlyTopCall: flag(own["onlyTopCall"], "onlyTopCall"),
        withLog: flag(own["withLog"], "withLog"),
      };
    case "prestateTracer":
      return {
        tracer,
        diffMode: flag(own["diffMode"], "diffMode"),
        disableCode: flag(own["disableCode"], "disableCode"),
        disableStorage: flag(own["disableStorage"], "disableStorage"),
        includeEmpty: flag(own["includeEmpty"], "includeEmpty"),
      };
    case "4byteTracer":
      return { tracer };
    default:
      throw invalidParams(`tracer must be ${TRACERS.join(", ")} or absent for the struct logger`);
  }
}

function stepLimit(value: unknown): number {
  if (value === undefined || value === null) return 0;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw invalidParams("limit must be a whole number from 0");
  return value;
}
