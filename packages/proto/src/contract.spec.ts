import { describe, expect, it } from "vitest";
import { buf } from "../scripts/buf.mjs";

describe("the contracts in proto/", () => {
  it("pass lint", () => {
    const { status, stdout, stderr } = buf("lint");
    expect(`${stdout}${stderr}`).toBe("");
    expect(status).toBe(0);
  });

  it("break nobody who knows the released ones (packages/proto/baseline.binpb)", () => {
    const { status, stdout, stderr } = buf("breaking", "--against", "packages/proto/baseline.binpb");
    expect(`${stdout}${stderr}`).toBe("");
    expect(status).toBe(0);
  });
});
