import { applyDecorators, HttpCode, SetMetadata } from "@nestjs/common";
import type { z } from "zod";
import type { HttpSettings } from "../tokens.js";

export const OPERATION = Symbol("operation");

/** How repetitions of a mutating call are told from new ones. */
export type Repetition =
  /** By the Idempotency-Key header; the outcome is stored and replayed. */
  | "idempotency-key"
  /** The handler compares the streamed body with the one stored under the key. */
  | "idempotency-key-of-stream"
  /** Nothing lasting happens, or the call is safe to repeat by itself. */
  | "harmless";

/** Everything about one route: who may call it, what it takes and answers. Routes without it are closed. */
export interface OperationDefinition {
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: "auth" | "platform" | "content" | "models" | "jobs" | "chain" | "operations" | "graphql";
  readonly access: "public" | "account" | "operator";
  readonly repetition?: Repetition;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly headers?: z.ZodObject;
  /** JSON body. A streamed body has none. */
  readonly body?: z.ZodType;
  readonly bodyType?: "application/json" | "application/octet-stream";
  readonly answer: z.ZodType;
  readonly answerType?: "application/json" | "application/octet-stream" | "text/event-stream" | "text/html";
  readonly status?: number;
  /** HTTP statuses of the problems that this operation adds to the common ones. */
  readonly problems?: readonly number[];
  /** Tokens that one call takes from the caller's bucket, or how many a call with this body takes. Default 1. */
  readonly cost?: number | ((body: unknown, settings: HttpSettings) => number);
  /** Goes on uncounted while the rate limiter's backend is away. Default: what is read by GET. */
  readonly reads?: boolean;
}

/** Tokens that a call with this body takes from its caller's bucket. */
export function costOf({ cost = 1 }: OperationDefinition, body: unknown, settings: HttpSettings): number {
  return typeof cost === "number" ? cost : cost(body, settings);
}

/** Declares a route: access, validation, repetition, documentation. */
export function Operation(definition: OperationDefinition): MethodDecorator {
  return applyDecorators(SetMetadata(OPERATION, definition), HttpCode(definition.status ?? 200));
}

export function operationOf(handler: object): OperationDefinition | undefined {
  return Reflect.getMetadata(OPERATION, handler) as OperationDefinition | undefined;
}
