import { ManualClock } from "@aios/kernel/clock";
import { expect, it } from "vitest";
import type { TauG2Words } from "../domain/ports.js";
import { HonkOffer } from "./honk-offer.js";
import { OfferedSystems } from "./offered-systems.js";
import type { ProofBackEnd } from "./proof-back-end.js";

const word = (digit: string): string => `0x${digit.repeat(64)}`;
const OURS: TauG2Words = [word("1"), word("2"), word("3"), word("4")];
const OTHER: TauG2Words = [word("1"), word("2"), word("3"), word("5")];
const backEnd = { system: "honk", name: "ultrahonk-bn254" } as ProofBackEnd;

function offerUnder(honkTauG2: () => Promise<TauG2Words | undefined>) {
  const offered = new OfferedSystems();
  const told: (string | undefined)[] = [];
  const offer = new HonkOffer(backEnd, OURS, { honkTauG2 }, offered, new ManualClock(), {
    changed: (refusal) => told.push(refusal?.message),
  });
  return { offered, offer, told };
}

it("offers UltraHonk once the verifier on chain has our reference string's tau, not before", async () => {
  const { offered, offer, told } = offerUnder(async () => OURS);
  expect(() => offered.backEnd("honk")).toThrow(
    expect.objectContaining({ code: "proof-system-unavailable", kind: "unavailable" }) as Error,
  );
  expect(offered.names()).toEqual([]);
  await offer.compare();
  await offer.compare();
  expect(offered.backEnd("honk")).toBe(backEnd);
  expect(offered.names()).toEqual(["honk"]);
  expect(told).toEqual([undefined]);
});

it("refuses it, and says why, where the verifier has another tau, until it has ours", async () => {
  let onChain = OTHER;
  const { offered, offer, told } = offerUnder(async () => onChain);
  await offer.compare();
  expect(() => offered.backEnd("honk")).toThrow(
    expect.objectContaining({
      code: "proof-system-unavailable",
      kind: "unprocessable",
      message: expect.stringContaining("another tau than the verifier on chain") as string,
      details: { system: "ultrahonk-bn254", tauG2: OURS, tauG2OnChain: OTHER },
    }) as Error,
  );
  onChain = OURS;
  await offer.compare();
  expect(offered.names()).toEqual(["honk"]);
  onChain = OTHER;
  await offer.compare();
  expect(offered.names()).toEqual([]);
  expect(told).toHaveLength(3);
});

it("keeps what it knows while nobody answers, and asks again", async () => {
  const clock = new ManualClock();
  const answers: (TauG2Words | undefined | Error)[] = [new Error("away"), undefined, OURS, new Error("away")];
  let asked = 0;
  const offered = new OfferedSystems();
  const verifiers = {
    honkTauG2: async () => {
      const answer = answers[Math.min(asked++, answers.length - 1)];
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  const offer = new HonkOffer(backEnd, OURS, verifiers, offered, clock, { changed: () => undefined });
  const end = new AbortController();
  const running = offer.run(end.signal);
  while (asked < answers.length) {
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(offered.names()).toEqual(["honk"]);
  end.abort();
  await running;
});
