import { CodedError } from "@aios/kernel/coded-error";
import { isDatabaseUnavailable } from "@aios/service-kit/database";

const OUTAGE_CODES: ReadonlySet<string> = new Set([
  "P1001",
  "P1002",
  "P1008",
  "P1011",
  "P1017",
  "P2024",
  "P2037",
]);

/** Runs a database call; an outage becomes `database-unavailable`, which callers may repeat. */
export async function whileDatabaseAnswers<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!isOutage(cause, 0)) throw cause;
    throw new CodedError({
      code: "database-unavailable",
      kind: "unavailable",
      message: "The gateway's database cannot be reached just now; try again shortly.",
      retryAfterMs: 1_000,
      cause,
    });
  }
}

function isOutage(error: unknown, depth: number): boolean {
  if (error === null || typeof error !== "object" || depth > 4) return false;
  if (isDatabaseUnavailable(error)) return true;
  const { code, cause, meta } = error as {
    code?: unknown;
    cause?: unknown;
    meta?: { driverAdapterError?: unknown };
  };
  if (typeof code === "string" && OUTAGE_CODES.has(code)) return true;
  const { originalCode, kind } = error as { originalCode?: unknown; kind?: unknown };
  if (typeof originalCode === "string" && /^(08|57P)/.test(originalCode)) return true;
  if (kind === "DatabaseNotReachable" || kind === "ConnectionClosed" || kind === "SocketTimeout") return true;
  return isOutage(cause, depth + 1) || isOutage(meta?.driverAdapterError, depth + 1);
}
