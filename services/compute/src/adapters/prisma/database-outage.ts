import { CodedError } from "@aios/kernel/coded-error";
import { isDatabaseUnavailable } from "@aios/service-kit/database";

/** Prisma's codes for a server that is away, slow or full; P2028 is a transaction that could not begin or went with it. */
const OUTAGE_CODES: ReadonlySet<string> = new Set([
  "P1001",
  "P1002",
  "P1008",
  "P1011",
  "P1017",
  "P2024",
  "P2028",
  "P2037",
]);
const OUTAGE_KINDS: ReadonlySet<string> = new Set([
  "DatabaseNotReachable",
  "ConnectionClosed",
  "SocketTimeout",
]);
const DEEPEST_CAUSE = 4;

/** The store, with outages of its database as `database-unavailable`, which callers may repeat. */
export function namingOutages<T extends object>(store: T): T {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...values: unknown[]): unknown => {
        const result: unknown = member.apply(target, values);
        return result instanceof Promise ? result.catch(rethrow) : result;
      };
    },
  });
}

function rethrow(cause: unknown): never {
  if (!isOutage(cause, 0)) throw cause;
  throw new CodedError({
    code: "database-unavailable",
    kind: "unavailable",
    message: "The database of compute cannot be reached just now; try again shortly.",
    retryAfterMs: 1_000,
    cause,
  });
}

function isOutage(error: unknown, depth: number): boolean {
  if (error === null || typeof error !== "object" || depth > DEEPEST_CAUSE) return false;
  if (isDatabaseUnavailable(error)) return true;
  const { code, cause, kind, originalCode, meta } = error as {
    readonly code?: unknown;
    readonly cause?: unknown;
    readonly kind?: unknown;
    readonly originalCode?: unknown;
    readonly meta?: { readonly driverAdapterError?: unknown };
  };
  if (typeof code === "string" && OUTAGE_CODES.has(code)) return true;
  if (typeof kind === "string" && OUTAGE_KINDS.has(kind)) return true;
  if (typeof originalCode === "string" && /^(08|57P)/.test(originalCode)) return true;
  return isOutage(cause, depth + 1) || isOutage(meta?.driverAdapterError, depth + 1);
}
