import { CodedError, type ErrorKind } from "@aios/kernel/coded-error";
import { Metadata, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ERROR_MAPPING, fromGrpcFailure, logLevelOf, toGrpcFailure, toProblem } from "./error-mapping.js";

const kinds = Object.keys(ERROR_MAPPING) as ErrorKind[];

describe("gRPC", () => {
  it("brings every CodedError back as it was", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds),
        fc.string(),
        fc.option(fc.string(), { nil: undefined }),
        fc.option(fc.nat(), { nil: undefined }),
        fc.dictionary(fc.string({ minLength: 1 }), fc.string(), { noNullPrototype: true }),
        (kind, message, field, retryAfterMs, details) => {
          const error = new CodedError({
            code: "some-code",
            kind,
            message,
            details,
            ...(field === undefined ? {} : { field }),
            ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
          });
          const failure = toGrpcFailure(error);
          expect(failure.code).toBe(ERROR_MAPPING[kind].grpc);
          expect(fromGrpcFailure(failure, "peer")).toMatchObject({
            code: "some-code",
            kind,
            message,
            field,
            retryAfterMs,
            details: JSON.parse(JSON.stringify(details)),
          });
        },
      ),
    );
  });

  it("hides unknown errors and cuts oversized details", () => {
    const hidden = toGrpcFailure(new Error("secret"));
    expect(hidden.code).toBe(status.INTERNAL);
    expect(JSON.stringify([hidden.details, hidden.metadata.toJSON()])).not.toContain("secret");
    const large = toGrpcFailure(
      new CodedError({ code: "c", kind: "gone", message: "m", details: { a: "x".repeat(9_000) } }),
    );
    expect(fromGrpcFailure(large, "peer")).toMatchObject({ code: "c", kind: "gone", details: {} });
  });

  it("understands peers that ship no code, and survives a forged one", () => {
    const plain = { code: status.UNAVAILABLE, details: "no connection", metadata: new Metadata() };
    expect(fromGrpcFailure(plain, "storage")).toMatchObject({
      code: "peer-unavailable",
      kind: "unavailable",
      retryAfterMs: 1_000,
    });
    expect(fromGrpcFailure({ code: status.DEADLINE_EXCEEDED }, "storage")).toMatchObject({
      code: "deadline-exceeded",
      kind: "unavailable",
      retryAfterMs: 1_000,
    });
    expect(fromGrpcFailure(new Error("odd"), "storage")).toMatchObject({ kind: "internal" });
    for (const forged of [
      "{",
      "null",
      "[]",
      '{"code":1}',
      '{"code":"a","kind":"constructor","message":"m"}',
    ]) {
      const metadata = new Metadata();
      metadata.set("aios-error-bin", Buffer.from(forged));
      expect(fromGrpcFailure({ code: status.NOT_FOUND, details: "d", metadata }, "s")).toMatchObject({
        kind: "not-found",
      });
    }
  });
});

describe("HTTP problems", () => {
  it("has a status of the right class for every kind", () => {
    for (const kind of kinds) {
      const error = new CodedError({ code: "c", kind, message: "m" });
      const { status: http, body, headers } = toProblem(error, "trace");
      expect(body).toMatchObject({
        type: "urn:aios:error:c",
        status: http,
        detail: "m",
        code: "c",
        traceId: "trace",
      });
      expect(headers["content-type"]).toBe("application/problem+json");
      expect(http >= 500).toBe(error.errorClass !== "user" || kind === "unimplemented");
      expect(logLevelOf(error) === "error").toBe(error.errorClass === "bug");
    }
  });

  it("sends Retry-After in whole seconds, at least one", () => {
    const retry = (retryAfterMs: number): string | undefined =>
      toProblem(new CodedError({ code: "c", kind: "rate-limited", message: "m", retryAfterMs })).headers[
        "retry-after"
      ];
    expect([retry(1), retry(1_000), retry(1_001)]).toEqual(["1", "1", "2"]);
    expect(
      toProblem(new CodedError({ code: "c", kind: "unavailable", message: "m" })).headers["retry-after"],
    ).toBe("1");
  });

  it("shows amounts exactly and nothing internal", () => {
    const error = new CodedError({
      code: "c",
      kind: "payment-required",
      message: "m",
      details: { priceWei: 10n ** 30n },
      field: "cap",
    });
    expect(toProblem(error).body).toMatchObject({
      field: "cap",
      details: { priceWei: `1${"0".repeat(30)}` },
    });
    expect(JSON.stringify(toProblem(new Error("secret")))).not.toContain("secret");
  });
});
