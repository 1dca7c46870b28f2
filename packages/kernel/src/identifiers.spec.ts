import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { address, bytes32, jobId, tenantOfAccount } from "./identifiers.js";

const hex = (bytes: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => Buffer.from(value).toString("hex"));

describe("identifiers", () => {
  it("lower-cases every well-formed value and is stable", () => {
    fc.assert(
      fc.property(hex(20), hex(32), (short, long) => {
        expect(address(`0x${short.toUpperCase()}`)).toBe(`0x${short}`);
        expect(address(address(`0x${short}`))).toBe(`0x${short}`);
        expect(bytes32(`0x${long}`)).toBe(`0x${long}`);
        expect(jobId(`0x${long}`)).toBe(`0x${long}`);
      }),
    );
  });

  it("refuses everything else and names the field", () => {
    const refused = expect.objectContaining({ code: "invalid-hex", field: "buyer" });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.integer(),
          hex(19),
          hex(21).map((text) => `0x${text}`),
        ),
        (value) => {
          expect(() => address(value, "buyer")).toThrowError(refused);
        },
      ),
    );
    for (const value of [undefined, null, {}, `0X${"00".repeat(20)}`, `0x${"00".repeat(20)}\n`]) {
      expect(() => address(value, "buyer")).toThrowError(refused);
    }
  });

  it("derives the tenant of an account", () => {
    expect(tenantOfAccount(address(`0x${"Ab".repeat(20)}`))).toBe(`account:0x${"ab".repeat(20)}`);
  });
});
