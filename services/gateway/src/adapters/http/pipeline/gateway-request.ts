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

/** The signed-in session. Throws `sign-in-required`; routes with access "account" always have one. */
export function sessionOf(request: GatewayRequest): Session {
  if (request.session === undefined) throw signInRequired();
  return request.session;
}

export function tenantOf(request: GatewayRequest): TenantId {
  return tenantOfAccount(sessionOf(request).account);
}

const READ_DEADLINE_MS = 10_000;
const CHANGE_DEADLINE_MS = 20_000;

/** Limits of a call that reads: it ends with its time, or when the caller goes away. */
export function reading(request: GatewayRequest): { deadlineMs: number; signal?: AbortSignal } {
  return { deadlineMs: READ_DEADLINE_MS, ...(request.gone === undefined ? {} : { signal: request.gone }) };
}

/** Limits of a call that changes something: it goes on when the caller leaves, so that its outcome is stored. */
export function changing(): { deadlineMs: number } {
  return { deadlineMs: CHANGE_DEADLINE_MS };
}
