import type { Address } from "@aios/kernel/identifiers";
import { expect, it } from "vitest";
import type { VerificationLevel } from "../domain/job.js";
import type { PublishedModel } from "../domain/ports.js";
import type { Pricing } from "./pricing.js";
import { VerificationOffers } from "./verification-offers.js";

const PROVER = `0x${"c4".repeat(20)}` as Address;
const answer = { cost: { providerWei: 10n }, unitsPerSecond: 1_000 };
const pricing = { cheapest: () => answer, pair: () => ({ first: answer, second: answer }) };
const prover = {
  quote: async () => ({ priceWei: "100", expectedMs: 1, trust: "made by one party", prover: PROVER }),
};
const offers = new VerificationOffers(prover, pricing as unknown as Pricing, 1_000);

const trustOf = async (verification: VerificationLevel): Promise<string> => {
  const protocol = { protocolFeeBps: 500, challengeWindowSeconds: 30 };
  const model = { modelCommitment: new Uint8Array(32) } as PublishedModel;
  return (await offers.inference(verification, model, protocol)).trust;
};

it("says of a sample what draws it, and who could choose what is drawn", async () => {
  const trust = await trustOf("sample");
  expect(trust).toContain("of 10,000 deliveries 1000 are drawn, by the block that holds them and a secret");
  expect(trust).toContain("together with a provider it could choose what is drawn");
});

it("says of two providers in which case a wrong one is paid all the same", async () => {
  expect(await trustOf("replicate")).toMatch(
    /whoever was wrong is not paid, except a wrong second one where the first delivered by itself/,
  );
});
