import { isCodedError } from "@aios/kernel/coded-error";
import { GraphQLError, type GraphQLFormattedError } from "graphql";
import type { GatewayCall } from "../pipeline/gateway-request.js";
import { renderProblem } from "../pipeline/problem.js";

/** The members of a problem that go into an error's `extensions`; the sentence is its `message`. */
const EXTENSIONS = ["code", "status", "traceId", "field", "why", "retryAfterMs", "details"] as const;

/** Whatever an operation threw as a GraphQL error: what REST would answer as a problem, with the same code. */
export function graphError(
  thrown: unknown,
  call: Pick<GatewayCall, "url" | "traceId">,
): GraphQLFormattedError {
  const cause = causeOf(thrown);
  const problem = JSON.parse(renderProblem(cause, call).body) as Readonly<Record<string, unknown>>;
  const extensions = Object.fromEntries(
    EXTENSIONS.flatMap((name) => (problem[name] === undefined ? [] : [[name, problem[name]]])),
  );
  const placed = thrown instanceof GraphQLError ? thrown : undefined;
  return {
    message: String(problem["detail"]),
    ...(placed?.locations === undefined ? {} : { locations: placed.locations }),
    ...(placed?.path === undefined ? {} : { path: placed.path }),
    extensions,
  };
}

/** What the resolver threw. An error of GraphQL's own during execution is a bug of ours: its text stays at home. */
export function causeOf(thrown: unknown): unknown {
  if (!(thrown instanceof GraphQLError)) return thrown;
  const { cause, originalError } = thrown;
  const inner = cause ?? originalError;
  return inner === undefined || inner === null || (inner instanceof GraphQLError && !isCodedError(inner))
    ? new Error(thrown.message, { cause: thrown })
    : inner;
}
