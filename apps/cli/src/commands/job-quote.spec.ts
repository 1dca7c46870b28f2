import { expect, it } from "vitest";
import { quoteLines } from "./job-quote.js";

const BASE = { priceWei: (10n ** 18n).toString(), expectedMs: 2_500, trust: "nobody alone", visibility: "" };

it("tells price, time, gas and trust of each way, the provers that are absent, and what fits instead", () => {
  const lines = quoteLines({
    quotes: [
      { ...BASE, verification: "none", verificationGas: null, proofSystem: null, absent: [] },
      {
        ...BASE,
        verification: "proof",
        verificationGas: 235_000,
        proofSystem: "groth16-bn254",
        absent: [{ name: "groth16-bn254-cuda", reason: "no GPU." }],
      },
    ],
    refusals: [
      { verification: "honk", code: "model-does-not-fit", message: "Too large.", fits: "proof" },
      { verification: "replicate", code: "no-second-provider", message: "Only one.", fits: null },
    ],
  });
  expect(lines).toEqual([
    "none      1 AIOS, about 2.5 s",
    "  to trust: nobody alone",
    "proof     1 AIOS, about 2.5 s, 235000 gas to verify",
    "  to trust: nobody alone",
    "  absent:   groth16-bn254-cuda: no GPU.",
    "honk      not offered (model-does-not-fit): Too large. It fits: proof.",
    "replicate not offered (no-second-provider): Only one.",
  ]);
});
