import { type Address, address, jobId } from "@aios/kernel/identifiers";
import fc from "fast-check";
import type { PlacementPolicy, PlacementRequest, ProviderOffer } from "../src/placement-model.js";

export const policy: PlacementPolicy = {
  minimumStakeWei: 100n,
  minimumSoftwareVersion: "1.2.0",
  expectedSelfTestHash: "0xgood",
  maximumRecentFaults: 2,
  referenceSpeed: { training: 2_000, inference: 50_000_000 },
  weights: { price: 400, speed: 250, load: 150, level: 100, spread: 100 },
};

export function addressOf(index: number): Address {
  return address(`0x${index.toString(16).padStart(40, "0")}`);
}

export function healthyOffer(index: number, change: Partial<ProviderOffer> = {}): ProviderOffer {
  return {
    address: addressOf(index),
    online: true,
    draining: false,
    registered: true,
    stakedWei: 100n,
    selfTest: { resultHash: "0xgood", evaluatorMacsPerSecond: 50_000_000, trainingSamplesPerSecond: 2_000 },
    softwareVersion: "1.2.0",
    kinds: ["training", "inference"],
    memoryBytes: 4 * 1024 ** 3,
    maxParallelJobs: 2,
    runningJobs: 0,
    priceWei: { training: 50n, inference: 10n },
    levelThousandths: 0,
    recentFaults: 0,
    ...change,
  };
}

export function inferenceRequest(change: Partial<PlacementRequest> = {}): PlacementRequest {
  return {
    jobId: jobId(`0x${"11".repeat(32)}`),
    kind: "inference",
    providerPriceCapWei: 20n,
    requiredMemoryBytes: 1024 ** 3,
    workUnits: 101_632,
    burned: [],
    recentByProvider: new Map(),
    ...change,
  };
}

/** Offers that pass often enough to compete and fail each filter now and then. */
export const offersArbitrary: fc.Arbitrary<ProviderOffer[]> = fc
  .uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 25 })
  .chain((indices) => fc.tuple(...indices.map(offerArbitrary)));

function offerArbitrary(index: number): fc.Arbitrary<ProviderOffer> {
  const mostly = fc.integer({ min: 0, max: 9 }).map((roll) => roll > 0);
  return fc
    .record({
      online: mostly,
      draining: mostly.map((value) => !value),
      registered: mostly,
      staked: mostly,
      tested: mostly,
      version: fc.constantFrom("1.2.0", "1.2.1", "2.0", "1.1.9"),
      memory: mostly,
      running: fc.integer({ min: 0, max: 3 }),
      price: fc.bigInt({ min: 0n, max: 30n }),
      offersInference: mostly,
      speed: fc.integer({ min: 0, max: 200_000_000 }),
      level: fc.integer({ min: 0, max: 1000 }),
      faults: fc.integer({ min: 0, max: 3 }),
    })
    .map((drawn) =>
      healthyOffer(index, {
        online: drawn.online,
        draining: drawn.draining,
        registered: drawn.registered,
        stakedWei: drawn.staked ? 100n : 99n,
        selfTest: {
          resultHash: drawn.tested ? "0xgood" : "0xbad",
          evaluatorMacsPerSecond: drawn.speed,
          trainingSamplesPerSecond: 1_000,
        },
        softwareVersion: drawn.version,
        memoryBytes: drawn.memory ? 4 * 1024 ** 3 : 1_000,
        maxParallelJobs: 3,
        runningJobs: drawn.running,
        priceWei: drawn.offersInference ? { inference: drawn.price } : { training: 1n },
        levelThousandths: drawn.level,
        recentFaults: drawn.faults,
      }),
    );
}

export const requestArbitrary: fc.Arbitrary<PlacementRequest> = fc
  .record({
    cap: fc.bigInt({ min: 0n, max: 30n }),
    burned: fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 4 }),
    recent: fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 9 })), {
      maxLength: 6,
    }),
  })
  .map((drawn) =>
    inferenceRequest({
      providerPriceCapWei: drawn.cap,
      burned: drawn.burned.map((index) => ({ provider: addressOf(index), reason: "wrong-output" })),
      recentByProvider: new Map(drawn.recent.map(([index, count]) => [addressOf(index), count])),
    }),
  );
