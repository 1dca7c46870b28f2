import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addressOf,
  healthyOffer,
  inferenceRequest,
  offersArbitrary,
  policy,
  requestArbitrary,
} from "../test/placement-arbitraries.js";
import { cheapestOffer, choosePlacement, decidePlacement } from "./placement.js";
import { FILTERS, type FilterName, type ProviderOffer, SCORE_PARTS } from "./placement-model.js";

const breaking: Readonly<Record<FilterName, Partial<ProviderOffer>>> = {
  registered: { registered: false },
  staked: { stakedWei: 99n },
  online: { online: false },
  draining: { draining: true },
  "self-test": { selfTest: undefined },
  "software-version": { softwareVersion: "1.1.9" },
  faults: { recentFaults: 3 },
  "job-kind": { kinds: ["training"] },
  memory: { memoryBytes: 1 },
  "price-cap": { priceWei: { inference: 21n } },
  capacity: { runningJobs: 2 },
  "burned-lease": {},
};

describe("decidePlacement", () => {
  it.each(FILTERS)("removes a provider by '%s', says so, and advises on it", (filter) => {
    const request = inferenceRequest(
      filter === "burned-lease" ? { burned: [{ provider: addressOf(1), reason: "expired" }] } : {},
    );
    const decision = decidePlacement(request, [healthyOffer(1, breaking[filter])], policy);
    expect(decision.chosen).toBeUndefined();
    expect(decision.candidates[0]?.failed).toEqual([filter]);
    expect(decision.candidates[0]?.explanation).not.toBe("");
    expect(decision.advice).toHaveLength(1);
    const placed = decidePlacement(request, [healthyOffer(1, breaking[filter]), healthyOffer(2)], policy);
    expect(placed.chosen).toBe(addressOf(2));
    expect(placed.advice).toEqual([]);
  });

  it("names the cheapest offer and what the cap leaves as data", () => {
    const offers = [
      healthyOffer(1, { priceWei: { inference: 40n } }),
      healthyOffer(2, { priceWei: { inference: 30n } }),
    ];
    const [advice] = decidePlacement(inferenceRequest(), offers, policy).advice;
    expect(advice).toMatchObject({ code: "raise-price-cap", cheapestWei: 30n, capWei: 20n, providers: 2 });
  });

  it("prefers cheaper, faster, idler, higher and less used providers, all else equal", () => {
    const preferred: [Partial<ProviderOffer>, Partial<ProviderOffer>][] = [
      [{ priceWei: { inference: 11n } }, { priceWei: { inference: 5n } }],
      [
        {},
        {
          selfTest: { resultHash: "0xgood", evaluatorMacsPerSecond: 90_000_000, trainingSamplesPerSecond: 1 },
        },
      ],
      [{ runningJobs: 1 }, {}],
      [{}, { levelThousandths: 1000 }],
    ];
    for (const [worse, better] of preferred) {
      const offers = [healthyOffer(1, worse), healthyOffer(2, better)];
      expect(decidePlacement(inferenceRequest(), offers, policy).chosen).toBe(addressOf(2));
    }
    const spread = inferenceRequest({ recentByProvider: new Map([[addressOf(1), 1]]) });
    expect(decidePlacement(spread, [healthyOffer(1), healthyOffer(2)], policy).chosen).toBe(addressOf(2));
  });

  it("breaks ties by the lower price, then by the lower address", () => {
    expect(decidePlacement(inferenceRequest(), [healthyOffer(9), healthyOffer(3)], policy).chosen).toBe(
      addressOf(3),
    );
    const blind = { ...policy, weights: { price: 0, speed: 1000, load: 0, level: 0, spread: 0 } };
    const offers = [healthyOffer(3), healthyOffer(9, { priceWei: { inference: 9n } })];
    expect(decidePlacement(inferenceRequest(), offers, blind).chosen).toBe(addressOf(9));
  });

  it("does not depend on the order of the candidates and never chooses a removed one", () => {
    fc.assert(
      fc.property(
        requestArbitrary,
        offersArbitrary,
        fc.infiniteStream(fc.nat()),
        (request, offers, rolls) => {
          const decision = decidePlacement(request, offers, policy);
          const shuffled = [...offers].sort(() => ((rolls.next().value ?? 0) % 2 === 0 ? 1 : -1));
          expect(decidePlacement(request, shuffled, policy)).toEqual(decision);
          expect(choosePlacement(request, shuffled, policy)?.address).toBe(decision.chosen);
          const eligible = decision.candidates.filter((candidate) => candidate.failed.length === 0);
          expect(decision.chosen === undefined).toBe(eligible.length === 0);
          expect(decision.advice.length > 0).toBe(eligible.length === 0);
          for (const candidate of eligible) {
            for (const part of SCORE_PARTS) {
              expect(Number.isInteger(candidate.scoreParts?.[part])).toBe(true);
              expect(candidate.scoreParts?.[part]).toBeGreaterThanOrEqual(0);
              expect(candidate.scoreParts?.[part]).toBeLessThanOrEqual(1000);
            }
          }
          const chosen = decision.candidates.find((candidate) => candidate.chosen);
          expect(chosen?.provider).toBe(decision.chosen);
          for (const candidate of eligible) expect(candidate.score).toBeLessThanOrEqual(chosen?.score ?? -1);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("explains as many as are asked for, the best first, and counts and advises from all", () => {
    fc.assert(
      fc.property(
        requestArbitrary,
        offersArbitrary,
        fc.integer({ min: 1, max: 6 }),
        (request, offers, most) => {
          const whole = decidePlacement(request, offers, policy);
          const provider = offers.at(-1)?.address;
          const part = decidePlacement(request, offers, policy, { most, provider });
          expect({ ...part, candidates: [] }).toEqual({ ...whole, candidates: [] });
          const shown = new Set(part.candidates.map((candidate) => candidate.provider));
          expect(part.candidates).toEqual(whole.candidates.filter((one) => shown.has(one.provider)));
          expect(shown.size).toBeGreaterThanOrEqual(Math.min(most, offers.length));
          expect(shown.size).toBeLessThanOrEqual(most + 1);
          if (provider !== undefined) expect(shown).toContain(provider);
          if (whole.chosen !== undefined) expect(shown).toContain(whole.chosen);
          expect(whole.considered).toBe(offers.length);
          const removed = Object.values(whole.removed).reduce((sum, count) => sum + count, 0);
          expect(removed).toBe(whole.candidates.filter((candidate) => candidate.failed.length > 0).length);
          const hidden = whole.candidates.filter(
            (one) => one.failed.length === 0 && !shown.has(one.provider),
          );
          const least = Math.min(
            ...part.candidates.filter((one) => one.provider !== provider).map((one) => one.score),
          );
          for (const one of hidden) expect(one.score).toBeLessThanOrEqual(least);
        },
      ),
    );
  });

  it("keeps its choice when a candidate that was not chosen leaves", () => {
    fc.assert(
      fc.property(requestArbitrary, offersArbitrary, fc.nat(), (request, offers, pick) => {
        const { chosen } = decidePlacement(request, offers, policy);
        const others = offers.filter((offer) => offer.address !== chosen);
        const leaving = others[pick % Math.max(1, others.length)];
        const rest = offers.filter((offer) => offer !== leaving);
        expect(decidePlacement(request, rest, policy).chosen).toBe(chosen);
      }),
    );
  });

  it("places the job once the cap is raised to the advised price", () => {
    fc.assert(
      fc.property(requestArbitrary, offersArbitrary, (request, offers) => {
        const advice = decidePlacement(request, offers, policy).advice.find(
          (entry) => entry.code === "raise-price-cap",
        );
        if (advice?.code !== "raise-price-cap") return;
        const raised = { ...request, providerPriceCapWei: advice.cheapestWei };
        const decision = decidePlacement(raised, offers, policy);
        expect(decision.offeredPriceWei).toBe(advice.cheapestWei);
        const below = { ...request, providerPriceCapWei: advice.cheapestWei - 1n };
        expect(decidePlacement(below, offers, policy).chosen).toBeUndefined();
      }),
    );
  });
});

describe("cheapestOffer", () => {
  it("looks past the cap and busy providers, not past broken ones", () => {
    const offers = [
      healthyOffer(1, { priceWei: { inference: 1n }, draining: true }),
      healthyOffer(2, { priceWei: { inference: 25n }, runningJobs: 2 }),
      healthyOffer(3, { priceWei: { inference: 30n } }),
    ];
    expect(cheapestOffer(inferenceRequest(), offers, policy)).toEqual({
      provider: addressOf(2),
      priceWei: 25n,
    });
    expect(cheapestOffer(inferenceRequest(), [], policy)).toBeUndefined();
  });
});
