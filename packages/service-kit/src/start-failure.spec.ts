import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CodedError } from "@aios/kernel/coded-error";
import { afterAll, describe, expect, it } from "vitest";
import { withConnection } from "./database.js";
import { freePort } from "./free-port.js";
import { leaveReason, startFailure } from "./start-failure.js";

const folder = mkdtempSync(join(tmpdir(), "aios-reason-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function failureOf(url: string): Promise<Error> {
  try {
    await withConnection(url, async () => undefined);
  } catch (error) {
    return startFailure("DATABASE_URL", error);
  }
  throw new Error("it did not fail");
}

/** Answers whoever connects with PostgreSQL's refusal of that kind. */
async function refusing(state: string, message: string): Promise<number> {
  const port = await freePort();
  const fields = Buffer.from(`SFATAL\0C${state}\0M${message}\0\0`);
  const length = Buffer.alloc(4);
  length.writeInt32BE(fields.length + 4);
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end(Buffer.concat([Buffer.from("E"), length, fields])));
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  server.unref();
  return port;
}

describe("a part that cannot start says why, and what to do", () => {
  it("when nothing listens at the address", async () => {
    expect(await failureOf(`postgres://aios:secret@127.0.0.1:${await freePort()}/aios`)).toMatchObject({
      code: "backend-unreachable",
      message: expect.stringMatching(
        /^DATABASE_URL: nothing answers there \(.*ECONNREFUSED.*\)\. Check host and port/,
      ),
    });
  });

  it("when the host's name is unknown", async () => {
    const failure = await failureOf("postgres://aios:secret@no-such-host.invalid:5432/aios");
    expect(failure.message).toMatch(/^DATABASE_URL: nothing answers there \(.*no-such-host\.invalid/);
  });

  it.each([
    ["28P01", 'password authentication failed for user "aios"', /the right user and password/],
    ["3D000", 'database "aios" does not exist', /Create the database/],
    ["42501", "permission denied to create database", /Grant the role the rights/],
  ])("when the server refuses with %s", async (state, said, advice) => {
    const failure = await failureOf(`postgres://aios:secret@127.0.0.1:${await refusing(state, said)}/aios`);
    expect(failure).toMatchObject({ code: "backend-refused", message: expect.stringContaining(said) });
    expect(failure.message).toMatch(advice);
    expect(failure.message).not.toContain("secret");
  });

  it.each(["event-bus-unavailable", "redis-unavailable"])(
    "when a client says %s, naming the setting",
    (code) => {
      const broken = new Error("Connection error", {
        cause: new Error("connect ECONNREFUSED 10.0.0.7:9092"),
      });
      const error = new CodedError({ code, kind: "unavailable", message: "Try again.", cause: broken });
      expect(startFailure("EVENT_BUS_URL", error)).toMatchObject({
        code: "backend-unreachable",
        message: expect.stringMatching(
          /^EVENT_BUS_URL: nothing answers there \(connect ECONNREFUSED 10\.0\.0\.7:9092\)/,
        ),
      });
    },
  );

  it("when rights are missing on Kafka, or the password is wrong on Redis", () => {
    const message = "Kafka refuses this: not authorized. Check the broker's rights and limits.";
    const rights = new CodedError({ code: "event-bus-refused", kind: "forbidden", message });
    expect(startFailure("EVENT_BUS_URL", rights).message).toBe(`EVENT_BUS_URL: ${message}`);
    const password = new Error("WRONGPASS invalid username-password pair");
    expect(startFailure("REDIS_URL", password)).toMatchObject({
      code: "backend-refused",
      message: expect.stringMatching(/^REDIS_URL: the server refused: WRONGPASS .* right user and password/),
    });
  });

  it("and leaves alone what says so already", () => {
    const coded = new CodedError({
      code: "schema-behind",
      kind: "unavailable",
      message: "Run the migration.",
    });
    expect(startFailure("DATABASE_URL", coded)).toBe(coded);
  });
});

describe("the reason", () => {
  it("is left in a file that is there, cut to what Kubernetes keeps, and nowhere else", () => {
    const file = join(folder, "termination-log");
    leaveReason("nobody asked", file);
    expect(existsSync(file)).toBe(false);
    writeFileSync(file, "");
    leaveReason("x".repeat(5_000), file);
    expect(readFileSync(file, "utf8")).toBe("x".repeat(4_096));
  });
});
