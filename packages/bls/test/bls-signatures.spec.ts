import { blsSignatures } from "@aios/core-finality/bls-signatures";
import blst from "@chainsafe/blst";
import { describe, expect, it } from "vitest";
import { blstSignatures } from "../src/blst-signatures.js";
import { fastestBls } from "../src/fastest-bls.js";
import { blsConformance } from "./bls-conformance.js";

blsConformance("blst", blstSignatures(blst), blsSignatures);
blsConformance("noble", blsSignatures, blstSignatures(blst));

describe("the fastest BLS of a machine", () => {
  it("is native where it loads, and TypeScript where it does not", async () => {
    expect((await fastestBls()).implementation).toBe("blst");
    const without = await fastestBls(() => Promise.reject(new Error("no binary for this platform")));
    expect(without).toEqual({ signatures: blsSignatures, implementation: "noble" });
  });
});
