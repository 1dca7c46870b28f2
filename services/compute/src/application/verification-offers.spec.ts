import type { Address } from "@aios/kernel/identifiers";
import { expect, it } from "vitest";
import type { VerificationLevel } from "../domain/job.js";
import type { ProofSystem, PublishedModel } from "../domain/ports.js";
import type { Pricing } from "./pricing.js";
import { VerificationOffers } from "./verification-offers.js";

const PROVER = `0x${"c4".repeat(20)}` as Address;
const answer = { cost: { providerWei: 10n }, unitsPerSecond: 1_000 };
const pricing = { cheapest: () => answer, pair: () => ({ first: answer, second: answer }) };
const prover = {
  quote: async (_: Uint8Array, proofSystem: ProofSystem) => ({
    priceWei: "100",
    expectedMs: 1,
    trust: proofSystem === "honk" ? "forgeable by anybody" : "made by one party",
    prover: PROVER,
    verificationGas: proofSystem === "honk" ? 1_900_000 : 235_000,
    system: proofSystem === "honk" ? "ultrahonk-bn254" : "groth16-bn254",
    absent: [{ name: `${proofSystem}-cuda`, reason: "no GPU" }],
  }),
};
const offers = new VerificationOffers(prover, pricing as unknown as Pricing, 1_000);

const PROTOCOL = { protocolFeeBps: 500, challengeWindowSeconds: 30 };
const MODEL = {
  modelCommitment: new Uint8Array(32),
  workUnits: 1_000,
  honkKeyHash: new Uint8Array(32),
  honkRefusal: undefined,
} as PublishedModel;
const trustOf = async (verification: VerificationLevel): Promise<string> => {
  return (await offers.inference(verification, MODEL, PROTOCOL)).trust;
};

it("says of a sample what draws it, and who could choose what is drawn", async () => {
  const trust = await trustOf("sample");
  expect(trust).toContain("of 10,000 deliveries 1000 are drawn, by the block that holds them and a secret");
  expect(trust).toContain("together with a provider it could choose what is drawn");
});

it("says of a stake what a wrong output really takes from it", async () => {
  const [sample, replicate] = [await trustOf("sample"), await trustOf("replicate")];
  expect(sample).toContain("only what that provider put at risk under this key itself, which may be nothing");
  expect(replicate).toContain("lost only as far as its provider put it at risk under the model's key itself");
});

it("says of two providers in which case a wrong one is paid all the same", async () => {
  expect(await trustOf("replicate")).toMatch(
    /whoever was wrong is not paid, except a wrong second one where the first delivered by itself/,
  );
});

it("says of each proof what its key leaves to trust, and what it takes to verify", async () => {
  const [groth16, honk] = [
    await offers.inference("proof", MODEL, PROTOCOL),
    await offers.inference("honk", MODEL, PROTOCOL),
  ];
  expect(groth16).toMatchObject({
    trust: "Nobody for the output, but the Groth16 key: made by one party.",
    verificationGas: 235_000,
  });
  expect(honk).toMatchObject({
    trust: "Nobody for the output, but the UltraHonk key: forgeable by anybody.",
    verificationGas: 1_900_000,
  });
});

it("refuses UltraHonk by name for a model without its key, and says what takes it", async () => {
  const without = (honkRefusal: PublishedModel["honkRefusal"]) =>
    offers.inference("honk", { ...MODEL, honkKeyHash: new Uint8Array(0), honkRefusal }, PROTOCOL);
  await expect(without(undefined)).rejects.toMatchObject({
    code: "proof-system-not-offered",
    field: "verification",
    message: expect.stringContaining("A Groth16 proof of it is offered") as string,
  });
  await expect(without({ code: "proof-system-unavailable", message: "Not here." })).rejects.toMatchObject({
    code: "proof-system-not-offered",
    message: "Not here.",
  });
});

it("says of a model that is too large for UltraHonk which way takes it", async () => {
  const honkRefusal = { code: "model-does-not-fit", message: "Too large. Groth16 takes it." };
  const model = { ...MODEL, honkKeyHash: new Uint8Array(0), honkRefusal };
  await expect(offers.inference("honk", model, PROTOCOL)).rejects.toMatchObject({
    ...honkRefusal,
    details: { system: "ultrahonk-bn254", fits: "proof" },
  });
});

it("names the provers that are absent wherever something may be proven, and none elsewhere", async () => {
  const named = async (rung: VerificationLevel) => {
    const { proofSystem, absent } = await offers.inference(rung, MODEL, PROTOCOL);
    return [proofSystem, ...absent.map(({ name }) => name)];
  };
  expect(await named("proof")).toEqual(["groth16-bn254", "groth16-cuda"]);
  expect(await named("sample")).toEqual(["groth16-bn254", "groth16-cuda"]);
  expect(await named("honk")).toEqual(["ultrahonk-bn254", "honk-cuda"]);
  expect(await named("none")).toEqual([""]);
  expect(await named("replicate")).toEqual([""]);
});
