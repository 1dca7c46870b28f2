import { address } from "@aios/kernel/identifiers";
import { SeededRng } from "@aios/kernel/random";
import { choosePlacement, decidePlacement } from "../src/placement.js";
import { PlacementIndex } from "../src/placement-index.js";
import type { ProviderOffer } from "../src/placement-model.js";
import { healthyOffer, inferenceRequest, policy } from "../test/placement-arbitraries.js";

const SUITE = "scheduler";
const json = process.argv.includes("--json");
const rng = new SeededRng(20_260_101);

/**
 * Placement latency over pools of random providers: through the index, where each placement also notes that the chosen
 * one is busier; the bare choice over all offers, which the index equals; the decision with every explanation.
 */
for (const size of [1_000, 10_000, 100_000]) {
  const offers = Array.from({ length: size }, () => randomOffer());
  const request = inferenceRequest({ providerPriceCapWei: 1_000n });
  const goal = size === 100_000 ? 5 : undefined;
  report(`place through the index, ${size} providers, p99`, indexedP99(offers), goal);
  if (size === 100_000) {
    const alike = offers.map(({ address }) => healthyOffer(0, { address, priceWei: { inference: 500n } }));
    report(`place through the index, ${size} providers all alike, p99`, indexedP99(alike), goal);
  }
  report(
    `choose without the index, ${size} providers, p99`,
    p99(30, () => choosePlacement(request, offers, policy)),
    undefined,
  );
  report(
    `decide and explain, ${size} providers, p99`,
    p99(5, () => decidePlacement(request, offers, policy)),
    undefined,
  );
}

function indexedP99(offers: readonly ProviderOffer[]): number {
  const index = new PlacementIndex(policy);
  for (const offer of offers) index.upsert(offer);
  return p99(1_000, () => {
    const request = inferenceRequest({ providerPriceCapWei: BigInt(100 + rng.below(1_900)) });
    const chosen = index.choose(request);
    if (chosen !== undefined) index.upsert({ ...chosen, runningJobs: chosen.runningJobs + 1 });
  });
}

function randomOffer(): ProviderOffer {
  return healthyOffer(0, {
    address: address(`0x${Buffer.from(rng.bytes(20)).toString("hex")}`),
    online: rng.below(10) > 2,
    draining: rng.below(20) === 0,
    runningJobs: rng.below(3),
    priceWei: { inference: BigInt(rng.below(2_000)) },
    levelThousandths: rng.below(1_001),
  });
}

function p99(runs: number, place: () => unknown): number {
  place();
  const times = Array.from({ length: runs }, () => {
    const started = performance.now();
    place();
    return performance.now() - started;
  }).sort((a, b) => a - b);
  return times[Math.min(times.length - 1, Math.floor(times.length * 0.99))] ?? Number.NaN;
}

function report(name: string, value: number, goal: number | undefined): void {
  const rounded = Math.round(value * 1000) / 1000;
  if (json) {
    console.log(
      JSON.stringify({ suite: SUITE, name, value: rounded, unit: "ms", goal: goal ?? null, better: "lower" }),
    );
  } else {
    console.log(
      `${name.padEnd(48)} ${rounded.toFixed(3).padStart(10)} ms${goal === undefined ? "" : `   goal ${goal} ms`}`,
    );
  }
}
