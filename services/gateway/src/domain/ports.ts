import type { Address, TenantId } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";

/** A signed-in account's session, as its access token says. */
export interface Session {
  readonly sessionId: string;
  readonly account: Address;
  readonly expiresAtMs: number;
}

/** Single-use nonces of sign-in messages. */
export interface NonceStore {
  issue(nonce: string, expiresAt: TimestampMs): Promise<void>;
  /** Uses the nonce up; false where it is unknown, expired or used already. Atomic over all gateways. */
  consume(nonce: string, now: TimestampMs): Promise<boolean>;
}

/** Sessions that ended before their token's time. */
export interface RevocationStore {
  revoke(session: Session, tenant: TenantId): Promise<void>;
  isRevoked(sessionId: string): Promise<boolean>;
}

/** Makes and reads access tokens. */
export interface AccessTokens {
  issue(session: Session): Promise<string>;
  /** Throws `session-invalid` or `session-expired`. */
  read(token: string): Promise<Session>;
}

/** What a mutating call answered. */
export interface Outcome {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export type Claim =
  /** The caller runs it, and completes it under this claim. */
  | { readonly kind: "claimed"; readonly claim: string }
  | { readonly kind: "done"; readonly outcome: Outcome }
  | { readonly kind: "running"; readonly retryAfterMs: number }
  | { readonly kind: "other-request" };

export interface IdempotencyKey {
  readonly tenant: TenantId;
  readonly key: string;
}

/**
 * Mutating calls by key. A claim lasts a while, so that a gateway that died does not block its callers: whoever
 * repeats the call then claims it anew, and the old claim can no longer write an outcome.
 */
export interface IdempotencyStore {
  claim(key: IdempotencyKey, requestHash: string, now: TimestampMs): Promise<Claim>;
  complete(key: IdempotencyKey, claim: string, outcome: Outcome): Promise<void>;
  /** Gives the claim back: the call may be tried again under the same key. */
  release(key: IdempotencyKey, claim: string): Promise<void>;
}

/** Removes what expired; how many rows went. */
export interface Housekeeping {
  removeExpired(now: TimestampMs): Promise<number>;
}

/** The chain's node, reached with JSON-RPC over HTTP. */
export interface RpcNode {
  /**
   * Posts requests that passed the policy. Throws `chain-unavailable` when it does not answer in time, with JSON, or
   * within the size that is read; rejects when the signal aborts.
   */
  post(body: unknown, signal: AbortSignal | undefined): Promise<unknown>;
}
