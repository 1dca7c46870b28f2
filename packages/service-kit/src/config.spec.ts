import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  byteSize,
  commonSettings,
  defineSettings,
  duration,
  flag,
  grpcUrl,
  HelpRequested,
  hostPort,
  httpUrl,
  integer,
  loadSettings,
  optionalSetting,
  redactSettings,
  redactUrl,
  setting,
} from "./config.js";

const definition = defineSettings({
  PERIOD: setting(duration, { description: "time between cycles, with its unit", default: "90s" }),
  SECRET: setting(z.string().min(8), {
    description: "the shared secret, 8 characters or more",
    secret: true,
  }),
  PEER: optionalSetting(httpUrl, { description: "URL of the peer" }),
});

describe("loadSettings", () => {
  it("parses what is given and defaults the rest", () => {
    const settings = loadSettings(definition, { SECRET: "long enough", PERIOD: "" });
    expect(settings).toEqual({ PERIOD: 90_000, SECRET: "long enough", PEER: undefined });
    expect(Object.isFrozen(settings)).toBe(true);
  });

  it("names every bad variable with the fix and never shows a secret", () => {
    const load = (): unknown =>
      loadSettings(definition, { SECRET: "hunter2", PERIOD: "30", PEER: "ftp://x" });
    expect(load).toThrowError(
      expect.objectContaining({
        code: "invalid-settings",
        details: { variables: ["PERIOD", "SECRET", "PEER"] },
      }),
    );
    expect(load).toThrowError(
      /PERIOD is '30', which is not valid: expected a duration with a unit, for example 250ms/,
    );
    expect(load).toThrowError(/SECRET is not valid \(the value is not shown\). Set it to: the shared secret/);
    expect(load).not.toThrowError(/hunter2/);
  });

  it("says what is missing and what it is for", () => {
    expect(() => loadSettings(definition, {})).toThrowError("SECRET is missing. Set it: the shared secret");
  });

  it("prints all settings for --help, without the defaults of secrets", () => {
    const withSecret = defineSettings({
      ...definition,
      TOKEN: setting(z.string(), { description: "t", default: "s3", secret: true }),
    });
    try {
      loadSettings(withSecret, {}, ["--help"]);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(HelpRequested);
      const { message } = error as Error;
      expect(message).toContain("PERIOD (default: 90s)\n      time between cycles");
      expect(message).toContain("SECRET (required)");
      expect(message).toContain("PEER (optional)");
      expect(message).not.toContain("s3");
    }
  });

  it("refuses names that are not environment variables", () => {
    expect(() => defineSettings({ "not-a-name": setting(z.string(), { description: "" }) })).toThrowError(
      TypeError,
    );
  });

  it("has a description with its unit for every common setting", () => {
    for (const [name, entry] of Object.entries(commonSettings)) {
      expect(entry.description.length, name).toBeGreaterThan(10);
      if (entry.default !== undefined) expect(entry.schema.safeParse(entry.default).success, name).toBe(true);
    }
  });
});

describe("redaction", () => {
  it("hides secrets and the passwords of URLs", () => {
    const settings = loadSettings(definition, { SECRET: "long enough", PEER: "http://user:pass@host/x" });
    expect(redactSettings(definition, settings)).toEqual({
      PERIOD: 90_000,
      SECRET: "[redacted]",
      PEER: "http://user:[redacted]@host/x",
    });
    fc.assert(
      fc.property(fc.stringMatching(/^[a-zA-Z0-9]{4,20}$/), (password) => {
        const shown = redactUrl(`postgres://USER_:${password}@HOST_/DATABASE_`);
        expect(shown).toBe("postgres://USER_:[redacted]@HOST_/DATABASE_");
      }),
    );
  });
});

describe("units", () => {
  const ok = <T>(schema: z.ZodType<T>, text: string): T => schema.parse(text);
  const refuses = (schema: z.ZodType<unknown>, text: string): boolean => !schema.safeParse(text).success;

  it("reads durations in milliseconds and sizes in bytes", () => {
    fc.assert(
      fc.property(fc.nat(100_000), (value) => {
        expect(ok(duration, `${value}ms`)).toBe(value);
        expect(ok(duration, `${value}s`)).toBe(value * 1_000);
        expect(ok(duration, `${value}d`)).toBe(value * 86_400_000);
        expect(ok(byteSize, `${value}MiB`)).toBe(value * 1_048_576);
      }),
    );
  });

  it("never guesses a unit and never throws on garbage", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const schema of [duration, byteSize, hostPort, integer(0, 9), flag]) schema.safeParse(text);
        expect(refuses(duration, text) || /^[0-9]+(ms|s|m|h|d)$/.test(text)).toBe(true);
        expect(refuses(byteSize, text) || /^[0-9]+(B|KiB|MiB|GiB)$/.test(text)).toBe(true);
      }),
    );
    for (const text of ["30", "-1s", "1.5s", "1 s", "1S", "1constructor", `${"9".repeat(20)}d`]) {
      expect(refuses(duration, text), text).toBe(true);
    }
    for (const text of ["1MB", "1mib", "MiB"]) expect(refuses(byteSize, text), text).toBe(true);
  });

  it("reads addresses", () => {
    expect(ok(hostPort, "127.0.0.1:0")).toEqual({ host: "127.0.0.1", port: 0 });
    expect(ok(hostPort, "[::1]:50051")).toEqual({ host: "::1", port: 50_051 });
    expect(ok(grpcUrl, "[::1]:50051")).toBe("[::1]:50051");
    for (const text of ["", "host", "host:", ":1", "host:65536", "http://host:1", "::1:5"]) {
      expect(refuses(hostPort, text), text).toBe(true);
    }
    expect(refuses(grpcUrl, "host:0")).toBe(true);
  });

  it("reads whole numbers and flags", () => {
    expect(ok(integer(-5, 5), "-5")).toBe(-5);
    for (const text of ["6", "1.0", "1e0", "", " 1", "0x1"])
      expect(refuses(integer(0, 5), text), text).toBe(true);
    expect(ok(flag, "true")).toBe(true);
    expect(ok(flag, "false")).toBe(false);
    expect(refuses(flag, "yes")).toBe(true);
  });
});
