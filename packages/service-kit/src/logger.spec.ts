import { CodedError } from "@aios/kernel/coded-error";
import { describe, expect, it } from "vitest";
import { createLogger, type Logger } from "./logger.js";

function capture(): { readonly logger: Logger; readonly lines: () => readonly Record<string, unknown>[] } {
  const written: string[] = [];
  const logger = createLogger({
    service: "test",
    level: "info",
    destination: { write: (line: string) => void written.push(line) },
  });
  return { logger, lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe("createLogger", () => {
  it("writes one JSON object a line with level, time, service and message", () => {
    const { logger, lines } = capture();
    logger.info({ jobId: "0x1" }, "done");
    logger.debug("not written");
    expect(lines()).toEqual([
      { level: "info", time: expect.any(String), service: "test", jobId: "0x1", message: "done" },
    ]);
  });

  it("redacts secrets by key, two levels deep, and passwords inside URLs of errors", () => {
    const { logger, lines } = capture();
    logger.info({ password: "p1", request: { authorization: "p2", body: { privateKey: "p3" } } }, "call");
    logger.error({ error: new Error("no answer from postgres://user:p4@host/db") }, "failed");
    const text = JSON.stringify(lines());
    for (const secret of ["p1", "p2", "p3", "p4@"]) expect(text).not.toContain(secret);
    expect(text).toContain("[redacted]");
  });

  it("shows code, stack and causes of errors, but no stack for a caller's own fault", () => {
    const { logger, lines } = capture();
    const cause = new Error("the disk broke");
    logger.error({ error: new CodedError({ code: "c", kind: "internal", message: "m", cause }) }, "failed");
    logger.info({ error: new CodedError({ code: "d", kind: "not-found", message: "m" }) }, "refused");
    const [failed, refused] = lines();
    expect(failed?.["error"]).toMatchObject({
      code: "c",
      stack: expect.any(String),
      cause: { message: "the disk broke" },
    });
    expect(refused?.["error"]).toMatchObject({ code: "d", kind: "not-found" });
    expect(refused?.["error"]).not.toHaveProperty("stack");
  });
});
