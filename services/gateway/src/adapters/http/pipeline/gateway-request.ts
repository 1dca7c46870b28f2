import type { TenantId } from "@aios/kernel/identifiers";
import { tenantOfAccount } from "@aios/kernel/identifiers";
import type { Span } from "@opentelemetry/api";
import type { FastifyReply, FastifyRequest } from "fastify";
import { signInRequired } from "../../../domain/errors.js";
import type { Session } from "../../../domain/ports.js";

declare module "fastify" {
  interface FastifyRequest {
    /** Set for callers with a valid access token. */
    session?: Session;
    /** The request's span; set before anything else runs. */
    span?: Span;
    traceId?: string;
    /** Aborts when the caller goes away before it was answered. */
    gone?: AbortSignal;
    startedAt?: number;
  }
}

export type GatewayRequest = FastifyRequest;
export type GatewayReply = FastifyReply;

/** What a handler sees of its call, whether that came as an HTTP request or as a field of a GraphQL document. */
export type GatewayCall = Pick<FastifyRequest, "headers" | "method" | "url" | "session" | "traceId" | "gone">;

/** The signed-in session. Throws `sign-in-required`; routes with access "account" always have one. */
export function sessionOf(request: Pick<GatewayCall, "session">): Session {
  if (request.session === undefined) throw signInRequired();
  return request.session;
}

export function tenantOf(request: Pick<GatewayCall, "session">): TenantId {
  return tenantOfAccount(sessionOf(request).account);
}

const READ_DEADLINE_MS = 10_000;
const CHANGE_DEADLINE_MS = 20_000;

/** Limits of a call that reads: it ends with its time, or when the caller goes away. */
export function reading(request: Pick<GatewayCall, "gone">): { deadlineMs: number; signal?: AbortSignal } {
  return { deadlineMs: READ_DEADLINE_MS, ...(request.gone === undefined ? {} : { signal: request.gone }) };
}

/** Limits of a call that changes something: it goes on when the caller leaves, so that its outcome is stored. */
export function changing(): { deadlineMs: number } {
  return { deadlineMs: CHANGE_DEADLINE_MS };
}
