import { isCodedError } from "@aios/kernel/coded-error";
import type { GatewayCall } from "../pipeline/gateway-request.js";
import { fromFramework, type RenderedProblem, renderProblem } from "../pipeline/problem.js";
import { graphError } from "./graph-problems.js";

const GRAPHQL_JSON = "application/graphql-response+json";
const LEGACY_JSON = "application/json";
const EVENT_STREAM = "text/event-stream";

export const GRAPH_PATH = "/graphql";

/** Errors of the document itself: over the older media type they are an answer, not a failed call (GraphQL over HTTP, 6.4.1). */
const DOCUMENT_ERRORS: ReadonlySet<string> = new Set([
  "document-malformed",
  "document-invalid",
  "operation-unknown",
  "variables-invalid",
  "query-too-deep",
  "query-too-expensive",
]);

type Asked = Pick<GatewayCall, "headers" | "method" | "url" | "traceId">;

export function isGraphCall({ method, url }: Pick<GatewayCall, "method" | "url">): boolean {
  return method === "POST" && url.split("?", 1)[0] === GRAPH_PATH;
}

export function acceptsEventStream({ headers }: Pick<GatewayCall, "headers">): boolean {
  return headers.accept?.includes(EVENT_STREAM) === true;
}

/** Media type of an answer that is not a stream: the current one where the caller knows it. */
export function mediaTypeOf({ headers }: Pick<GatewayCall, "headers">): string {
  const accept = headers.accept ?? "";
  const isCurrent = accept.includes(GRAPHQL_JSON) || accept.includes(EVENT_STREAM);
  return `${isCurrent ? GRAPHQL_JSON : LEGACY_JSON}; charset=utf-8`;
}

/** A request that came to nothing, in GraphQL's form, with the status and headers that REST would give it. */
export function renderGraphProblem(thrown: unknown, request: Asked): RenderedProblem {
  const error = fromFramework(thrown);
  const { status, headers } = renderProblem(error, request);
  const mediaType = mediaTypeOf(request);
  const isAnswer =
    mediaType.startsWith(LEGACY_JSON) && isCodedError(error) && DOCUMENT_ERRORS.has(error.code);
  return {
    status: isAnswer ? 200 : status,
    headers: { ...headers, "content-type": mediaType },
    body: JSON.stringify({ errors: [graphError(error, request)] }),
  };
}
