import type { RateLimit } from "@aios/service-kit/rate-limiter";
import type { OperatorPolicy } from "../../domain/operator-policy.js";

/** Injection tokens of the HTTP adapter's own settings. */
export const LOGGER = Symbol("logger");
export const RATE_LIMITER = Symbol("rate limiter");
export const HTTP_SETTINGS = Symbol("http settings");

/** Reads and executes GraphQL documents. */
export const GRAPH = Symbol("graph execution");

export interface HttpSettings {
  readonly version: string;
  /** Of one caller's address. */
  readonly rateLimit: RateLimit;
  readonly operators: OperatorPolicy;
  readonly contentMaxBytes: number;
  readonly sseHeartbeatMs: number;
  readonly sseMaxPerAccount: number;
  /** Ends every stream, so that its reader connects again elsewhere. */
  readonly draining: AbortSignal;
  readonly rpcUrl: string;
  readonly rpcTimeoutMs: number;
  readonly rpcMaxBatch: number;
  readonly rpcMaxAnswerBytes: number;
  /** Introspection, and the page to try documents on. */
  readonly graphExplorer: boolean;
}
