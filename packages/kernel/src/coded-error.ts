/** Who has to act: the caller (`user`), whoever runs the platform (`operational`), or we (`bug`). */
export type ErrorClass = "user" | "operational" | "bug";

/**
 * What went wrong in transport-neutral terms. One table (service-kit `error-mapping.ts`) turns it into
 * a gRPC status, an HTTP status and a log level.
 */
export type ErrorKind =
  | "invalid" // malformed or out-of-range input: 400 / 422
  | "unauthenticated" // 401
  | "payment-required" // 402
  | "forbidden" // 403
  | "not-found" // 404
  | "conflict" // 409
  | "gone" // 410
  | "too-large" // 413
  | "unprocessable" // 422
  | "rate-limited" // 429
  | "internal" // 500
  | "unimplemented" // 501
  | "unavailable" // 503
  | "timeout"; // 504

export interface CodedErrorInit {
  /** Stable, kebab-case, documented; never changes once released. */
  readonly code: string;
  readonly kind: ErrorKind;
  /** One sentence for a person that says what to do. No secrets, no stack, no internal names. */
  readonly message: string;
  /** Typed facts that go with the code. JSON-serialisable; safe to show to the caller. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Name of the offending input field, dotted path. */
  readonly field?: string;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

const CLASS_OF_KIND: Readonly<Record<ErrorKind, ErrorClass>> = {
  invalid: "user",
  unauthenticated: "user",
  "payment-required": "user",
  forbidden: "user",
  "not-found": "user",
  conflict: "user",
  gone: "user",
  "too-large": "user",
  unprocessable: "user",
  "rate-limited": "user",
  internal: "bug",
  unimplemented: "user",
  unavailable: "operational",
  timeout: "operational",
};

/** The only error that crosses a boundary: a stable code, a typed payload and a class. */
export class CodedError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly details: Readonly<Record<string, unknown>>;
  readonly field: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(init: CodedErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = "CodedError";
    this.code = init.code;
    this.kind = init.kind;
    this.details = init.details ?? {};
    this.field = init.field;
    this.retryAfterMs = init.retryAfterMs;
  }

  get errorClass(): ErrorClass {
    return CLASS_OF_KIND[this.kind];
  }
}

/** True for a `CodedError`, also one made by another copy of this package. */
export function isCodedError(error: unknown): error is CodedError {
  return error instanceof Error && error.name === "CodedError" && "code" in error && "kind" in error;
}

/** Wraps anything thrown into a `CodedError`; an unknown error becomes `internal` and keeps its cause. */
export function toCodedError(error: unknown): CodedError {
  if (isCodedError(error)) return error;
  return new CodedError({
    code: "internal",
    kind: "internal",
    message: "Something failed inside the platform. The trace id leads an operator to the cause.",
    cause: error,
  });
}
