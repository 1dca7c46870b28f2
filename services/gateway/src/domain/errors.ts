import { CodedError } from "@aios/kernel/coded-error";

export const signInRequired = (): CodedError =>
  new CodedError({
    code: "sign-in-required",
    kind: "unauthenticated",
    message:
      "Sign in first: POST /v1/auth/nonce, sign the message, POST /v1/auth/siwe, then send the access token.",
  });

export const sessionInvalid = (): CodedError =>
  new CodedError({
    code: "session-invalid",
    kind: "unauthenticated",
    message: "The access token is not valid here; sign in again.",
  });

export const sessionExpired = (): CodedError =>
  new CodedError({
    code: "session-expired",
    kind: "unauthenticated",
    message: "The session has ended; sign in again.",
  });

/** `reason` names the field of the EIP-4361 message that is wrong. */
export const signInRefused = (field: string, message: string): CodedError =>
  new CodedError({ code: "sign-in-refused", kind: "unauthenticated", message, field });

export const operatorsOnly = (): CodedError =>
  new CodedError({
    code: "operators-only",
    kind: "forbidden",
    message: "Only operators may look here: accounts that GATEWAY_OPERATORS names.",
  });

export const routeNotDeclared = (): CodedError =>
  new CodedError({
    code: "route-not-declared",
    kind: "forbidden",
    message: "This address is not open to callers.",
  });

export const idempotencyKeyMissing = (): CodedError =>
  new CodedError({
    code: "idempotency-key-missing",
    kind: "invalid",
    message: "Send an Idempotency-Key header (1 to 128 printable characters, fresh for each new intention).",
    field: "Idempotency-Key",
  });

export const idempotencyKeyReused = (): CodedError =>
  new CodedError({
    code: "idempotency-key-reused",
    kind: "conflict",
    message: "This Idempotency-Key was used with another request. Use a fresh key for a new intention.",
    field: "Idempotency-Key",
  });

export const requestInFlight = (retryAfterMs: number): CodedError =>
  new CodedError({
    code: "request-in-flight",
    kind: "conflict",
    message: "The same request is still being handled. Ask again shortly; it is not done twice.",
    retryAfterMs,
  });

export const tooManyRequests = (retryAfterMs: number): CodedError =>
  new CodedError({
    code: "too-many-requests",
    kind: "rate-limited",
    message: "Too many requests. Wait as long as Retry-After says.",
    retryAfterMs,
  });

export const tooManyStreams = (): CodedError =>
  new CodedError({
    code: "too-many-streams",
    kind: "rate-limited",
    message: "Too many progress streams are open. Close one first.",
    retryAfterMs: 5_000,
  });

export const bodyTooLarge = (limitBytes: number): CodedError =>
  new CodedError({
    code: "body-too-large",
    kind: "too-large",
    message: `The body may have at most ${limitBytes} bytes.`,
    details: { limitBytes },
  });

export const chainUnavailable = (cause: unknown): CodedError =>
  new CodedError({
    code: "chain-unavailable",
    kind: "unavailable",
    message: "The chain's node cannot be reached just now; try again shortly.",
    retryAfterMs: 1_000,
    cause,
  });

/** A demo key is for whoever sits at this machine, not for a network. */
export const demoNotLocal = (): CodedError =>
  new CodedError({
    code: "demo-not-local",
    kind: "forbidden",
    message: "The demo account is given out only by a gateway that listens on a loopback address.",
  });

export const notFound = (what: string): CodedError =>
  new CodedError({ code: "not-found", kind: "not-found", message: `There is no such ${what}.` });
