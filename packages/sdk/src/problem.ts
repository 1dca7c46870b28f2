import { CodedError, type ErrorKind } from "@aios/kernel/coded-error";
import type { Problem } from "./api-types.js";

const KIND_OF_STATUS: Readonly<Record<number, ErrorKind>> = {
  400: "invalid",
  401: "unauthenticated",
  402: "payment-required",
  403: "forbidden",
  404: "not-found",
  409: "conflict",
  410: "gone",
  413: "too-large",
  415: "invalid",
  422: "unprocessable",
  429: "rate-limited",
  501: "unimplemented",
  503: "unavailable",
  504: "timeout",
};

/** The kind an HTTP status stands for; anything unknown is `internal`. */
export function kindOfStatus(status: number): ErrorKind {
  return KIND_OF_STATUS[status] ?? "internal";
}

/** `Retry-After` (seconds or an HTTP date) in milliseconds, or undefined where absent or nonsense. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,6}$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

/**
 * Problem details (RFC 9457) as the error that the platform threw: same code, kind, field and details. The
 * trace id and the link to the reason travel in `details`.
 */
export function problemToError(status: number, body: unknown, waitMs: number | undefined): CodedError {
  const [graphqlError] = graphqlErrorsOf(body);
  if (graphqlError !== undefined) return graphqlErrorToError(graphqlError, waitMs);
  const problem: Partial<Problem> = typeof body === "object" && body !== null ? body : {};
  const details: Record<string, unknown> = { ...problem.details, status };
  if (problem.traceId !== undefined) details.traceId = problem.traceId;
  if (problem.why !== undefined) details.why = problem.why;
  return new CodedError({
    code: problem.code ?? `http-${status}`,
    kind: kindOfStatus(status),
    message: problem.detail ?? `The gateway answered with HTTP status ${status}.`,
    details,
    ...(problem.field === undefined ? {} : { field: problem.field }),
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
  });
}

/** An error of a GraphQL answer: its extensions are the members of a problem. */
export interface GraphqlError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: Partial<Problem> & { readonly retryAfterMs?: number };
}

/** As `problemToError`, for one error of a GraphQL answer; `details.path` names the field. */
export function graphqlErrorToError(error: GraphqlError, waitMs?: number): CodedError {
  const { extensions = {}, message, path } = error;
  const { details, status = 500 } = extensions;
  const problem = {
    ...extensions,
    detail: message,
    details: { ...details, ...(path === undefined ? {} : { path }) },
  };
  return problemToError(status, problem, waitMs ?? extensions.retryAfterMs);
}

function graphqlErrorsOf(body: unknown): readonly GraphqlError[] {
  const errors = (body as { readonly errors?: unknown } | null | undefined)?.errors;
  return Array.isArray(errors) ? (errors as readonly GraphqlError[]) : [];
}
