import { CodedError } from "@aios/kernel/coded-error";
import { status } from "@grpc/grpc-js";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { codedErrorOf, isDatabaseUnavailable } from "./database-outage.js";
import { fromGrpcFailure, logLevelOf, toGrpcFailure, toProblem } from "./error-mapping.js";
import { freePort } from "./free-port.js";

/** An error as its library makes it: a message and own fields. */
function error(name: string, message: string, fields: Readonly<Record<string, unknown>> = {}): Error {
  return Object.assign(new Error(message), { name, ...fields });
}

const serverStops = { severity: "FATAL", code: "57P01" };
const refused = {
  code: "ECONNREFUSED",
  errno: -111,
  syscall: "connect",
  address: "127.0.0.1",
  port: 54329,
};
const known = (code: string, meta?: unknown): Error =>
  error("PrismaClientKnownRequestError", "Invalid `prisma.job.findUnique()` invocation", {
    code,
    clientVersion: "7.10.0",
    meta,
  });
const adapter = (cause: unknown): Error => Object.assign(error("DriverAdapterError", "x"), { cause });

const outages: Readonly<Record<string, unknown>> = {
  "pg: the server stops": error("error", "terminating connection due to administrator command", serverStops),
  "pg: the server starts": error("error", "the database system is starting up", { code: "57P03" }),
  "pg: a standby has not taken over yet": error("error", "cannot execute INSERT in a read-only transaction", {
    code: "25006",
  }),
  "pg: too many connections": error("error", "sorry, too many clients already", { code: "53300" }),
  "pg: nobody listens": error("Error", "connect ECONNREFUSED 127.0.0.1:54329", refused),
  "pg: nobody listens on any address": Object.assign(
    new AggregateError([error("Error", "connect ECONNREFUSED ::1:54329", refused)], ""),
    { code: "ECONNREFUSED" },
  ),
  "pg: the connection breaks": new Error("Connection terminated unexpectedly"),
  "pg: the pool is exhausted": new Error("timeout exceeded when trying to connect"),
  "prisma: not reachable": known("P1001", {
    driverAdapterError: adapter({ kind: "DatabaseNotReachable", host: "127.0.0.1", port: 54329 }),
  }),
  "prisma: slow to connect": known("P1002"),
  "prisma: slow to answer": known("P1008"),
  "prisma: closed by the server": known("P1017"),
  "prisma: no free connection": known("P2024"),
  "prisma: a raw query's connection is cut": known("P2010", {
    driverAdapterError: adapter({ kind: "postgres", originalCode: "57P01", severity: "FATAL" }),
  }),
  "prisma: could not start": error("PrismaClientInitializationError", "Can't reach database server", {
    errorCode: "P1001",
  }),
  "adapter: closed": adapter({ kind: "ConnectionClosed" }),
  "adapter: a broken pipe": adapter(error("Error", "write EPIPE", { code: "EPIPE", syscall: "write" })),
  "wrapped by a service": new Error("the job could not be read", { cause: known("P1017") }),
};

const others: Readonly<Record<string, unknown>> = {
  "a unique violation": error("error", "duplicate key", { code: "23505", severity: "ERROR" }),
  "prisma: not found": known("P2025"),
  "prisma: unique": known("P2002", {
    driverAdapterError: adapter({ kind: "UniqueConstraintViolation", originalCode: "23505" }),
  }),
  "a code of Prisma that somebody else uses": error("Error", "x", { code: "P1001" }),
  "another server that is away": Object.assign(new TypeError("fetch failed"), {
    cause: error("Error", "connect ECONNREFUSED 127.0.0.1:8545", refused),
  }),
  "a caller that hangs up": error("Error", "aborted", { code: "ECONNRESET" }),
  "a bug": new TypeError("x is not a function"),
  "a text": "Connection terminated",
  nothing: undefined,
};

describe("an outage of the database", () => {
  it.each(Object.entries(outages))("is seen in %s", (_name, thrown) => {
    expect(isDatabaseUnavailable(thrown)).toBe(true);
    const seen = { code: "database-unavailable", kind: "unavailable", retryAfterMs: 1_000 };
    expect(codedErrorOf(thrown)).toMatchObject({ ...seen, cause: thrown });
    const failure = toGrpcFailure(thrown);
    expect(failure.code).toBe(status.UNAVAILABLE);
    expect(fromGrpcFailure(failure, "storage")).toMatchObject(seen);
    expect(toProblem(thrown)).toMatchObject({
      status: 503,
      headers: { "retry-after": "1" },
      body: { code: "database-unavailable", retryAfterMs: 1_000 },
    });
    expect(logLevelOf(thrown)).toBe("warn");
    expect(JSON.stringify([failure.details, toProblem(thrown).body])).not.toMatch(/127\.0\.0\.1|prisma/i);
  });

  it.each(Object.entries(others))("is not seen in %s", (_name, thrown) => {
    expect(isDatabaseUnavailable(thrown)).toBe(false);
    expect(codedErrorOf(thrown)).toMatchObject({ code: "internal", kind: "internal" });
    expect(toGrpcFailure(thrown).code).toBe(status.INTERNAL);
  });

  it.each([
    ["pg", error("error", "could not extend file", { code: "53100", severity: "ERROR" })],
    ["prisma", known("P2010", { driverAdapterError: adapter({ kind: "postgres", originalCode: "53100" }) })],
  ])("names a full disk as %s tells it, and may be tried again", (_who, thrown) => {
    expect(isDatabaseUnavailable(thrown)).toBe(true);
    expect(toProblem(thrown)).toMatchObject({
      status: 503,
      headers: { "retry-after": "30" },
      body: { code: "database-disk-full" },
    });
    expect(logLevelOf(thrown)).toBe("warn");
  });

  it("leaves a named error as it is, whatever caused it", () => {
    const named = new CodedError({ code: "c", kind: "conflict", message: "m", cause: known("P1001") });
    expect(codedErrorOf(named)).toBe(named);
  });

  it("ends at causes that go round in a circle", () => {
    const circle: Error = new Error("round");
    circle.cause = circle;
    expect(isDatabaseUnavailable(circle)).toBe(false);
  });

  it("is seen in what pg really throws where nobody listens", async () => {
    const port = await freePort();
    const pool = new pg.Pool({ host: "127.0.0.1", port, user: "u", database: "d", password: "p" });
    const thrown = await pool.query("SELECT 1").catch((failure: unknown) => failure);
    await pool.end();
    expect(codedErrorOf(thrown)).toMatchObject({ code: "database-unavailable" });
  });
});
