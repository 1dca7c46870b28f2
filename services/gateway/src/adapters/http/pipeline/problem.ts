import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import { toProblem } from "@aios/service-kit/error-mapping";
import { HttpException } from "@nestjs/common";
import type { Outcome } from "../../../domain/ports.js";
import type { GatewayCall } from "./gateway-request.js";

/** A problem that an earlier, identical call ended with; rendered as it was. */
export class StoredProblem extends Error {
  constructor(
    readonly outcome: Outcome,
    readonly replayed: boolean,
  ) {
    super("stored problem");
  }
}

export interface RenderedProblem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Anything thrown as an RFC 9457 answer. */
export function renderProblem(
  thrown: unknown,
  request: Pick<GatewayCall, "url" | "traceId">,
): RenderedProblem {
  if (thrown instanceof StoredProblem) {
    const { status, contentType, body } = thrown.outcome;
    return { status, headers: { "content-type": contentType }, body };
  }
  const error = fromFramework(thrown);
  const { status, headers, body } = toProblem(error, request.traceId ?? "");
  const why = whyLink(error, request);
  return {
    status,
    headers,
    body: JSON.stringify({ ...body, instance: pathOf(request), ...(why === undefined ? {} : { why }) }),
  };
}

export function problemOutcome(thrown: unknown, request: Pick<GatewayCall, "url" | "traceId">): Outcome {
  const rendered = renderProblem(thrown, request);
  return {
    status: rendered.status,
    contentType: rendered.headers["content-type"] ?? "application/problem+json",
    body: rendered.body,
  };
}

/** Errors of Fastify and Nest, which speak in HTTP statuses, as coded errors. */
export function fromFramework(thrown: unknown): unknown {
  if (isCodedError(thrown)) return thrown;
  const status = thrown instanceof HttpException ? thrown.getStatus() : statusOf(thrown);
  switch (status) {
    case 400:
      return new CodedError({
        code: "malformed-request",
        kind: "invalid",
        message: "The request cannot be read: check its JSON and headers.",
      });
    case 404:
      return new CodedError({
        code: "route-unknown",
        kind: "not-found",
        message: "There is nothing at this address. /docs lists what there is.",
      });
    case 405:
    case 415:
      return new CodedError({
        code: "media-type-unsupported",
        kind: "invalid",
        message: "Send application/json, or application/octet-stream for content.",
      });
    case 413:
      return new CodedError({
        code: "body-too-large",
        kind: "too-large",
        message: "The body is larger than this address takes.",
      });
    case 503:
      return new CodedError({
        code: "draining",
        kind: "unavailable",
        message: "This gateway is shutting down; call again.",
        retryAfterMs: 1_000,
      });
    default:
      return thrown;
  }
}

function statusOf(thrown: unknown): number | undefined {
  const status = (thrown as { statusCode?: unknown } | null | undefined)?.statusCode;
  return typeof status === "number" ? status : undefined;
}

function pathOf(request: Pick<GatewayCall, "url">): string {
  return request.url.split("?", 1)[0] ?? request.url;
}

/** Where the platform explains the reason: the job's placement and money have pages of their own. */
function whyLink(thrown: unknown, request: Pick<GatewayCall, "url" | "traceId">): string | undefined {
  if (!isCodedError(thrown)) return undefined;
  const named = thrown.details.why;
  if (typeof named === "string" && named.startsWith("/")) return named;
  const jobId =
    typeof thrown.details.jobId === "string"
      ? thrown.details.jobId
      : /\/v1\/jobs\/(0x[0-9a-fA-F]{64})/.exec(request.url)?.[1];
  if (jobId === undefined || !/^0x[0-9a-fA-F]{64}$/.test(jobId)) return undefined;
  return thrown.kind === "conflict" || thrown.kind === "payment-required"
    ? `/v1/jobs/${jobId}/money`
    : undefined;
}
