import { writeFileSync } from "node:fs";
import { CodedError } from "@aios/kernel/coded-error";
import { redactUrl } from "./config.js";
import { sqlState } from "./database-outage.js";

/** Where Kubernetes reads why a container ended; there only inside a pod. */
const TERMINATION_LOG = "/dev/termination-log";
/** Kubernetes keeps no more of it. */
const LONGEST_REASON = 4_096;
const DEEPEST_CAUSE = 5;

/** What the operator is to do, by the SQLSTATE of a server that answered but refused. */
const REFUSALS: Readonly<Record<string, string>> = {
  "28P01": "Put the right user and password into it.",
  "28000": "Put the right user and password into it, or let the server's pg_hba.conf admit this address.",
  "3D000": "Create the database, or use a role that may.",
  "42501": "Grant the role the rights to this database and to CREATE in it.",
};

/** What a backend's client says to callers while it runs; who starts it has to hear which setting is meant. */
const UNREACHABLE: ReadonlySet<string> = new Set(["event-bus-unavailable", "redis-unavailable"]);

/** The error of a part that could not start, as a sentence that names its setting and the way out of it. */
export function startFailure(setting: string, error: unknown): Error {
  if (error instanceof CodedError) {
    if (UNREACHABLE.has(error.code)) return unreachable(setting, error, error.code);
    if (error.code !== "event-bus-refused") return error;
  }
  const state = sqlState(error);
  const reason = redactUrl(reasonOf(error));
  const advice = state === undefined ? undefined : REFUSALS[state];
  if (advice !== undefined) return refused(setting, `the server refused: ${reason}. ${advice}`, error);
  if (error instanceof CodedError) return refused(setting, reason, error);
  if (/^(NOAUTH|WRONGPASS|NOPERM)\b/.test(reason))
    return refused(setting, `the server refused: ${reason} ${REFUSALS["28P01"]}`, error);
  const address = (error as { readonly code?: unknown } | undefined)?.code;
  if (typeof address === "string" && /^E[A-Z_]+$/.test(address)) return unreachable(setting, error, address);
  return error instanceof Error ? error : new Error(reason);
}

function refused(setting: string, message: string, cause: unknown): CodedError {
  return new CodedError({
    code: "backend-refused",
    kind: "invalid",
    message: `${setting}: ${message}`,
    details: { setting, sqlState: sqlState(cause) },
    cause,
  });
}

function unreachable(setting: string, cause: unknown, reason: string): CodedError {
  return new CodedError({
    code: "backend-unreachable",
    kind: "unavailable",
    message: `${setting}: nothing answers there (${redactUrl(innermostReason(cause))}). Check host and port, that the server runs, and that the network lets this process through.`,
    details: { setting, reason },
    cause,
  });
}

/** What broke, below what clients make of it. */
function innermostReason(error: unknown): string {
  let innermost = error;
  for (let depth = 0; depth < DEEPEST_CAUSE; depth++) {
    const below: unknown = innermost instanceof Error ? innermost.cause : undefined;
    if (!(below instanceof Error)) break;
    innermost = below;
  }
  return reasonOf(innermost);
}

/** Leaves the reason where Kubernetes shows it as the container's last state; does nothing outside a pod. */
export function leaveReason(reason: string, file: string = TERMINATION_LOG): void {
  try {
    // Never made: a file of this name outside a pod would be somebody else's.
    writeFileSync(file, reason.slice(0, LONGEST_REASON), { flag: "r+" });
  } catch {
    // The log has the reason too.
  }
}

/** An attempt on several addresses has its reasons inside and no message of its own. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return error.errors.map(reasonOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}
