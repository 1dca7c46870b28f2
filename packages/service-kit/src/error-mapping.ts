import { CodedError, type ErrorKind, isCodedError } from "@aios/kernel/coded-error";
import { Metadata, status } from "@grpc/grpc-js";
import { codedErrorOf } from "./database-outage.js";

type LogLevel = "debug" | "info" | "warn" | "error";

interface Mapping {
  readonly grpc: status;
  readonly http: number;
  readonly log: LogLevel;
  readonly title: string;
}

/** The one table from what went wrong to gRPC, HTTP and log. */
export const ERROR_MAPPING: Readonly<Record<ErrorKind, Mapping>> = {
  invalid: { grpc: status.INVALID_ARGUMENT, http: 400, log: "info", title: "Invalid input" },
  unauthenticated: { grpc: status.UNAUTHENTICATED, http: 401, log: "info", title: "Sign in first" },
  "payment-required": { grpc: status.FAILED_PRECONDITION, http: 402, log: "info", title: "Payment required" },
  forbidden: { grpc: status.PERMISSION_DENIED, http: 403, log: "warn", title: "Not allowed" },
  "not-found": { grpc: status.NOT_FOUND, http: 404, log: "info", title: "Not found" },
  conflict: { grpc: status.ABORTED, http: 409, log: "info", title: "Conflict" },
  gone: { grpc: status.NOT_FOUND, http: 410, log: "info", title: "No longer there" },
  "too-large": { grpc: status.OUT_OF_RANGE, http: 413, log: "info", title: "Too large" },
  unprocessable: { grpc: status.INVALID_ARGUMENT, http: 422, log: "info", title: "Cannot be processed" },
  "rate-limited": { grpc: status.RESOURCE_EXHAUSTED, http: 429, log: "info", title: "Too many requests" },
  internal: { grpc: status.INTERNAL, http: 500, log: "error", title: "Internal error" },
  unimplemented: { grpc: status.UNIMPLEMENTED, http: 501, log: "warn", title: "Not implemented" },
  unavailable: { grpc: status.UNAVAILABLE, http: 503, log: "warn", title: "Temporarily unavailable" },
  timeout: { grpc: status.DEADLINE_EXCEEDED, http: 504, log: "warn", title: "Took too long" },
};

/** For errors of peers that ship no `CodedError`. */
const KIND_OF_STATUS: Readonly<Partial<Record<status, ErrorKind>>> = {
  [status.INVALID_ARGUMENT]: "invalid",
  [status.UNAUTHENTICATED]: "unauthenticated",
  [status.FAILED_PRECONDITION]: "conflict",
  [status.PERMISSION_DENIED]: "forbidden",
  [status.NOT_FOUND]: "not-found",
  [status.ABORTED]: "conflict",
  [status.ALREADY_EXISTS]: "conflict",
  [status.OUT_OF_RANGE]: "invalid",
  [status.RESOURCE_EXHAUSTED]: "too-large",
  [status.UNIMPLEMENTED]: "unimplemented",
  [status.UNAVAILABLE]: "unavailable",
  // Nobody answered: whoever asked comes again, as where nobody could be reached.
  [status.DEADLINE_EXCEEDED]: "unavailable",
  [status.CANCELLED]: "timeout",
};

const ERROR_KEY = "aios-error-bin";
const LARGEST_DETAILS_BYTES = 6_000;

export interface GrpcFailure {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** What a gRPC server answers for any thrown value; unknown errors become `internal` and keep their cause at home. */
export function toGrpcFailure(thrown: unknown): GrpcFailure {
  const error = codedErrorOf(thrown);
  const metadata = new Metadata();
  metadata.set(ERROR_KEY, encodeError(error));
  return { code: ERROR_MAPPING[error.kind].grpc, details: error.message, metadata };
}

/** The `CodedError` that a gRPC client sees: the peer's own, or one that fits the status. */
export function fromGrpcFailure(failure: unknown, target: string): CodedError {
  if (isCodedError(failure)) return failure;
  const { code, details, metadata } = failure as Partial<GrpcFailure>;
  const shipped = metadata?.get(ERROR_KEY)[0];
  if (Buffer.isBuffer(shipped)) {
    const decoded = decodeError(shipped, failure);
    if (decoded !== undefined) return decoded;
  }
  const kind = (code === undefined ? undefined : KIND_OF_STATUS[code]) ?? "internal";
  return new CodedError({
    code: (code === undefined ? undefined : CODE_OF_STATUS[code]) ?? `peer-${kind}`,
    kind,
    message:
      code === status.DEADLINE_EXCEEDED
        ? `${target} did not answer in time; try again shortly.`
        : (PEER_MESSAGES[kind]?.(target) ?? `${target} answered: ${details ?? "an unknown error"}`),
    details: { peer: target },
    ...(kind === "unavailable" ? { retryAfterMs: 1_000 } : {}),
    cause: failure,
  });
}

/** True for an error that a peer sent, false for one that was made here because nobody answered. */
export function isPeersAnswer(error: CodedError): boolean {
  const { metadata } = (error.cause ?? {}) as Partial<GrpcFailure>;
  return Buffer.isBuffer(metadata?.get(ERROR_KEY)[0]);
}

/**
 * True where the peer refused the stream before it looked at it, as one does whose connection is about to end: the call
 * was not made (RFC 9113, 8.7). grpc-js tells of it by these words alone.
 */
export function wasNeverMade({ cause }: CodedError): boolean {
  const { code, details } = (cause ?? {}) as Partial<GrpcFailure>;
  return code === status.UNAVAILABLE && details === "Stream refused by server";
}

const CODE_OF_STATUS: Readonly<Partial<Record<status, string>>> = {
  [status.CANCELLED]: "cancelled",
  [status.DEADLINE_EXCEEDED]: "deadline-exceeded",
};

const PEER_MESSAGES: Readonly<Partial<Record<ErrorKind, (target: string) => string>>> = {
  unavailable: (target) => `${target} cannot be reached just now; try again shortly.`,
  internal: (target) => `${target} failed. The trace id leads an operator to the cause.`,
};

function encodeError(error: CodedError): Buffer {
  const whole = { ...wireForm(error), details: error.details };
  const text = JSON.stringify(whole, bigintsAsText);
  if (Buffer.byteLength(text) <= LARGEST_DETAILS_BYTES) return Buffer.from(text);
  return Buffer.from(
    JSON.stringify({ ...wireForm(error), message: error.message.slice(0, 1_000), details: {} }),
  );
}

function wireForm(error: CodedError): Record<string, unknown> {
  return {
    code: error.code,
    kind: error.kind,
    message: error.message,
    field: error.field,
    retryAfterMs: error.retryAfterMs,
  };
}

function decodeError(bytes: Buffer, cause: unknown): CodedError | undefined {
  let parsed: Record<string, unknown> | null;
  try {
    parsed = JSON.parse(bytes.toString("utf8")) as Record<string, unknown> | null;
  } catch {
    return undefined;
  }
  if (parsed === null) return undefined;
  const { code, kind, message, details, field, retryAfterMs } = parsed;
  if (typeof code !== "string" || typeof message !== "string" || typeof kind !== "string") return undefined;
  if (!Object.hasOwn(ERROR_MAPPING, kind)) return undefined;
  return new CodedError({
    code,
    kind: kind as ErrorKind,
    message,
    ...(typeof details === "object" && details !== null
      ? { details: details as Record<string, unknown> }
      : {}),
    ...(typeof field === "string" ? { field } : {}),
    ...(typeof retryAfterMs === "number" ? { retryAfterMs } : {}),
    cause,
  });
}

function bigintsAsText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

/** RFC 9457 problem details; `Content-Type: application/problem+json`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly traceId?: string;
  readonly field?: string;
  readonly retryAfterMs?: number;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Body and headers of an HTTP answer for any thrown value. */
export function toProblem(
  thrown: unknown,
  traceId?: string,
): { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: Problem } {
  const error = codedErrorOf(thrown);
  const mapping = ERROR_MAPPING[error.kind];
  const body: Problem = {
    type: `urn:aios:error:${error.code}`,
    title: mapping.title,
    status: mapping.http,
    detail: error.message,
    code: error.code,
    ...(traceId === undefined ? {} : { traceId }),
    ...(error.field === undefined ? {} : { field: error.field }),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    ...(Object.keys(error.details).length === 0
      ? {}
      : { details: JSON.parse(JSON.stringify(error.details, bigintsAsText)) as Record<string, unknown> }),
  };
  const headers: Record<string, string> = { "content-type": "application/problem+json" };
  const retryAfterMs = error.retryAfterMs ?? (error.kind === "unavailable" ? 1_000 : undefined);
  if (retryAfterMs !== undefined)
    headers["retry-after"] = Math.max(1, Math.ceil(retryAfterMs / 1_000)).toString();
  return { status: mapping.http, headers, body };
}

/** How loudly an error is logged. */
export function logLevelOf(thrown: unknown): LogLevel {
  return ERROR_MAPPING[codedErrorOf(thrown).kind].log;
}
