import type { CodedErrorInit } from "@aios/kernel/coded-error";
import type { Block, BlockHeader } from "../../domain/block.js";
import type { BlockContext, CallRequest, StateReference } from "../../domain/ports.js";
import type { SimulationRequest } from "../../domain/simulation.js";
import type { TraceOptions } from "../../domain/tracing/tracer.js";

/** What the worker is asked. Everything survives a structured clone. */
export type CallJob =
  | {
      readonly kind: "call";
      readonly state: StateReference;
      readonly context: BlockContext;
      readonly request: CallRequest;
    }
  | {
      readonly kind: "access-list";
      readonly state: StateReference;
      readonly context: BlockContext;
      readonly request: CallRequest;
    }
  | {
      readonly kind: "trace-block";
      readonly parent: BlockHeader;
      readonly block: Block;
      readonly index: number | undefined;
      readonly options: TraceOptions;
    }
  | {
      readonly kind: "trace-call";
      readonly state: StateReference;
      readonly context: BlockContext;
      readonly request: CallRequest;
      readonly options: TraceOptions;
    }
  | { readonly kind: "simulate"; readonly parent: BlockHeader; readonly request: SimulationRequest };

export type CallAnswer =
  /** Sent once, before any answer. */
  | { readonly kind: "ready" }
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "error"; readonly error: Omit<CodedErrorInit, "cause"> };
