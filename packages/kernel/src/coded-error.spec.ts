import { describe, expect, it } from "vitest";
import { CodedError, isCodedError, toCodedError } from "./coded-error.js";

describe("CodedError", () => {
  it("keeps its facts and its class", () => {
    const cause = new Error("why");
    const error = new CodedError({ code: "a", kind: "unavailable", message: "m", retryAfterMs: 5, cause });
    expect(error).toMatchObject({
      code: "a",
      kind: "unavailable",
      details: {},
      retryAfterMs: 5,
      errorClass: "operational",
    });
    expect(error.cause).toBe(cause);
    expect(new CodedError({ code: "b", kind: "conflict", message: "m" }).errorClass).toBe("user");
    expect(new CodedError({ code: "c", kind: "internal", message: "m" }).errorClass).toBe("bug");
  });

  it("is recognised when made by another copy of the package", () => {
    const foreign = Object.assign(new Error("m"), { name: "CodedError", code: "a", kind: "gone" });
    expect(isCodedError(foreign)).toBe(true);
    expect(toCodedError(foreign)).toBe(foreign);
    expect(isCodedError({ name: "CodedError", code: "a", kind: "gone" })).toBe(false);
  });

  it("wraps anything unknown as internal without showing it", () => {
    for (const thrown of [new Error("password=1"), "password=1", undefined, 7]) {
      const error = toCodedError(thrown);
      expect(error).toMatchObject({ code: "internal", kind: "internal" });
      expect(error.message).not.toContain("password");
      expect(error.cause).toBe(thrown);
    }
  });
});
