import { CodedError, toCodedError } from "@aios/kernel/coded-error";

/** Prisma's codes for a server that is away, slow or full; P2028 is a transaction that could not begin or went with it. */
const PRISMA_OUTAGES: ReadonlySet<string> = new Set([
  "P1001",
  "P1002",
  "P1008",
  "P1011",
  "P1017",
  "P2024",
  "P2028",
  "P2037",
]);
const ADAPTER_OUTAGES: ReadonlySet<string> = new Set([
  "DatabaseNotReachable",
  "ConnectionClosed",
  "SocketTimeout",
  "TooManyConnections",
]);
const SOCKET_OUTAGES: ReadonlySet<string> = new Set([
  "ENOTFOUND",
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
]);
/**
 * Class 08 is the connection, 57P a server that stops or starts, 53300 one without a free connection, 53100 a full disk,
 * 25006 a standby that is about to take over: it reads already and does not write yet.
 */
const OUTAGE_STATE = /^(08...|57P..|53300|53100|25006)$/;
/** disk_full: the statement was undone, and works again when there is space. */
const DISK_FULL_STATE = "53100";
const DRIVER_MESSAGE = /^Connection terminated|timeout exceeded when trying to connect|not queryable/;
const DEEPEST_CAUSE = 5;
const RETRY_AFTER_MS = 1_000;
const FULL_RETRY_AFTER_MS = 30_000;

/** What is read of an error; Prisma is not imported, since every service has a client of its own. */
interface ErrorShape {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly errorCode?: unknown;
  readonly originalCode?: unknown;
  readonly kind?: unknown;
  readonly syscall?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
  readonly meta?: { readonly driverAdapterError?: unknown } | null;
}

/** Five-character SQLSTATE of a database error. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | null | undefined)?.code;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/**
 * True when the database cannot be reached, is full or without disk space, or is just starting or stopping: the same statement may work
 * later. Understands `pg`, Prisma and Prisma's driver adapter, also as the cause of another error.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  return isOutage(error, true, 0);
}

/**
 * Anything thrown as a `CodedError`: an outage of the database is `database-unavailable`, a full disk under it
 * `database-disk-full`, which callers may repeat;
 * other unknown errors are `internal` and keep their cause.
 */
export function codedErrorOf(thrown: unknown): CodedError {
  const error = toCodedError(thrown);
  if (error === thrown) return error;
  if (isDiskFull(thrown, 0)) {
    return new CodedError({
      code: "database-disk-full",
      kind: "unavailable",
      message:
        "The disk of the database is full; nothing of this was kept. Its operator has to free some space.",
      retryAfterMs: FULL_RETRY_AFTER_MS,
      cause: thrown,
    });
  }
  if (!isDatabaseUnavailable(thrown)) return error;
  return new CodedError({
    code: "database-unavailable",
    kind: "unavailable",
    message: "The database cannot be reached just now; try again shortly.",
    retryAfterMs: RETRY_AFTER_MS,
    cause: thrown,
  });
}

/** `fromDatabase`: a broken socket would be the database's; below errors of other clients it is somebody else's. */
function isOutage(error: unknown, fromDatabase: boolean, depth: number): boolean {
  if (error === null || typeof error !== "object" || depth > DEEPEST_CAUSE) return false;
  const shape: ErrorShape = error;
  const adapter = shape.name === "DriverAdapterError";
  const prisma = typeof shape.name === "string" && shape.name.startsWith("PrismaClient");
  if (prisma && (isIn(PRISMA_OUTAGES, shape.code) || isIn(PRISMA_OUTAGES, shape.errorCode))) return true;
  if (isIn(ADAPTER_OUTAGES, shape.kind)) return true;
  if (isOutageState(shape.code) || isOutageState(shape.originalCode)) return true;
  if (typeof shape.message === "string" && DRIVER_MESSAGE.test(shape.message)) return true;
  if (fromDatabase && isBrokenSocket(shape)) return true;
  const below = adapter || prisma;
  return isOutage(shape.cause, below, depth + 1) || isOutage(shape.meta?.driverAdapterError, true, depth + 1);
}

function isDiskFull(error: unknown, depth: number): boolean {
  if (error === null || typeof error !== "object" || depth > DEEPEST_CAUSE) return false;
  const shape: ErrorShape = error;
  if (shape.code === DISK_FULL_STATE || shape.originalCode === DISK_FULL_STATE) return true;
  return isDiskFull(shape.cause, depth + 1) || isDiskFull(shape.meta?.driverAdapterError, depth + 1);
}

/** A name with several addresses fails with an `AggregateError`; `syscall` tells Node's sockets from its HTTP. */
function isBrokenSocket({ code, syscall, errors }: ErrorShape): boolean {
  return isIn(SOCKET_OUTAGES, code) && (typeof syscall === "string" || Array.isArray(errors));
}

function isOutageState(code: unknown): boolean {
  return typeof code === "string" && OUTAGE_STATE.test(code);
}

function isIn(set: ReadonlySet<string>, value: unknown): boolean {
  return typeof value === "string" && set.has(value);
}
