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
import { choosePlacement, decidePlacement } from "./placement.js";
import { PlacementIndex } from "./placement-index.js";
import type { PlacementPolicy, ProviderOffer } from "./placement-model.js";

/** Blocks so small that a handful of offers fills many of them. */
const TINY = 2;

function indexOf(offers: readonly ProviderOffer[], rules = policy, blockSize?: number): PlacementIndex {
  const index = new PlacementIndex(rules, blockSize);
  for (const offer of offers) index.upsert(offer);
  return index;
}

/** Weights that sum to 1000, zero ones among them. */
const policyArbitrary: fc.Arbitrary<PlacementPolicy> = fc
  .array(fc.integer({ min: 0, max: 1000 }), { minLength: 4, maxLength: 4 })
  .map((cuts) => {
    const [a = 0, b = 0, c = 0, d = 0] = [...cuts].sort((x, y) => x - y);
    return { ...policy, weights: { price: a, speed: b - a, load: c - b, level: d - c, spread: 1000 - d } };
  });

describe("PlacementIndex", () => {
  it("chooses what filtering and scoring every offer chooses, whatever the weights", () => {
    fc.assert(
      fc.property(requestArbitrary, offersArbitrary, policyArbitrary, (request, offers, rules) => {
        const chosen = indexOf(offers, rules, TINY).choose(request);
        expect(chosen).toEqual(choosePlacement(request, offers, rules));
        // The explanation that is made later speaks of the same provider.
        expect(decidePlacement(request, offers, rules).chosen).toBe(chosen?.address);
      }),
      { numRuns: 1_000 },
    );
  });

  it("goes on doing so while offers come, change and go, over many blocks", () => {
    const change = fc.record({
      index: fc.integer({ min: 1, max: 200 }),
      leaves: fc.integer({ min: 0, max: 4 }).map((roll) => roll === 0),
      price: fc.bigInt({ min: 0n, max: 12n }),
      level: fc.integer({ min: 0, max: 100 }),
      running: fc.integer({ min: 0, max: 2 }),
      memory: fc.constantFrom(1, 2, 4),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(2, 3, 8, 64),
        fc.array(change, { minLength: 100, maxLength: 600 }),
        fc.array(requestArbitrary, { minLength: 1, maxLength: 20 }),
        (blockSize, changes, requests) => {
          const index = new PlacementIndex(policy, blockSize);
          const offers = new Map<string, ProviderOffer>();
          for (const drawn of changes) {
            const offer = healthyOffer(drawn.index, {
              priceWei: { inference: drawn.price },
              levelThousandths: drawn.level,
              runningJobs: drawn.running,
              memoryBytes: drawn.memory * 512 * 1024 ** 2,
            });
            if (drawn.leaves) {
              index.remove(offer.address);
              offers.delete(offer.address);
            } else {
              index.upsert(offer);
              offers.set(offer.address, offer);
            }
          }
          expect(index.size).toBe(offers.size);
          for (const request of requests)
            expect(index.choose(request)).toEqual(choosePlacement(request, [...offers.values()], policy));
        },
      ),
      { numRuns: 100 },
    );
  });

  it("breaks ties across blocks by the lower price, then by the lower address", () => {
    const offers = Array.from({ length: 2_000 }, (_, at) => healthyOffer(2_000 - at));
    expect(indexOf(offers).choose(inferenceRequest())?.address).toBe(addressOf(1));
    const blind = { ...policy, weights: { price: 0, speed: 1000, load: 0, level: 0, spread: 0 } };
    const priced = offers.map((offer, at) => ({ ...offer, priceWei: { inference: BigInt(20 - (at % 20)) } }));
    expect(indexOf(priced, blind).choose(inferenceRequest())).toEqual(
      choosePlacement(inferenceRequest(), priced, blind),
    );
  });

  it("has nobody for a request that none fits, and forgets who left", () => {
    const index = indexOf([healthyOffer(1), healthyOffer(2, { online: false })]);
    expect(index.choose(inferenceRequest({ requiredMemoryBytes: 2 ** 50 }))).toBeUndefined();
    expect(index.choose(inferenceRequest({ providerPriceCapWei: 1n }))).toBeUndefined();
    index.remove(addressOf(1));
    index.remove(addressOf(1));
    expect(index.choose(inferenceRequest())).toBeUndefined();
    expect(index.size).toBe(1);
  });

  it("refuses a negative weight", () => {
    const weights = { ...policy.weights, load: -1 };
    expect(() => new PlacementIndex({ ...policy, weights })).toThrow(
      expect.objectContaining({ code: "invalid-placement-policy", field: "weights.load" }),
    );
  });
});
