import { decodeOffer, decodePlacementLog, replayPlacement } from "@aios/core-scheduler/placement-log";
import { ManualClock } from "@aios/kernel/clock";
import { type Address, address } from "@aios/kernel/identifiers";
import { describe, expect, it } from "vitest";
import { sampleJob } from "../../test/support/sample-job.js";
import { leasedJob, sampleProvider } from "../../test/support/sample-provider.js";
import { ProviderLinkHub } from "../adapters/grpc/provider-link.hub.js";
import { type Job, liveLease } from "../domain/job.js";
import type { JobStore, Placing } from "../domain/ports.js";
import { leaseKey, ProviderMarket, type ProviderStanding } from "../domain/provider-market.js";
import { PlaceJobOnProvider } from "./place-job-on-provider.js";

const NOW_MS = 1_800_000_000_000;
const CHEAP = address(`0x${"a1".repeat(20)}`);
const DEAR = address(`0x${"d2".repeat(20)}`);
const policy = {
  minimumStakeWei: 1n,
  minimumSoftwareVersion: "0.0.0",
  expectedSelfTestHash: "",
  maximumRecentFaults: 1,
  referenceSpeed: { training: 5_000, inference: 100_000_000 },
  weights: { price: 400, speed: 200, load: 200, level: 100, spread: 100 },
};
const settings = {
  policy,
  requiredMemoryBytes: { training: 1, inference: 1 },
  offerTimeoutMs: 1,
  acceptWithinSeconds: 1,
  restMs: 1,
  placementRetryMs: 500,
};

/** What is stored, and a place for one funded job in it. */
class Stored {
  readonly standings = new Map<Address, ProviderStanding>();
  readonly recorded = new Map<Address, string>();
  readonly placed: Placing[] = [];
  head = 0;
  job: Job = { ...sampleJob(), state: "funded" };

  readonly store = {
    place: async (_id, work) => {
      const placing = await work(this.job, {
        recentByProvider: new Map(),
        recordedHead: this.head,
        standing: async (provider) => this.standings.get(provider),
        recordedOffers: async () => new Map(this.recorded),
      });
      if (placing === undefined) return { job: this.job, recordedHead: undefined };
      for (const [provider, offer] of placing.offers) {
        this.recorded.set(provider, offer);
        this.head += 1;
      }
      this.placed.push(placing);
      this.job = placing.change.job;
      return { job: this.job, recordedHead: this.head };
    },
  } satisfies Pick<JobStore, "place">;
}

/** Nobody is connected. */
const links = new ProviderLinkHub(
  () => undefined,
  () => undefined,
);

function setUp(): {
  stored: Stored;
  market: ProviderMarket;
  place: () => ReturnType<PlaceJobOnProvider["execute"]>;
} {
  const stored = new Stored();
  const market = new ProviderMarket(policy);
  for (const [provider, price] of [
    [CHEAP, "10"],
    [DEAR, "20"],
  ] as const) {
    const record = sampleProvider({ address: provider, priceWei: { inference: price } });
    const standing = {
      provider: { ...record, capabilities: { ...record.capabilities, maxParallelJobs: 1 } },
      busy: [],
      faults: {},
    };
    stored.standings.set(provider, standing);
    market.refresh(standing, 0, NOW_MS);
    market.came(provider, NOW_MS);
  }
  const placement = new PlaceJobOnProvider(
    stored.store as unknown as JobStore,
    market,
    links,
    new ManualClock(NOW_MS),
    settings,
  );
  return { stored, market, place: () => placement.execute(stored.job.jobId) };
}

function makeBusy(stored: Stored, provider: Address): void {
  const standing = stored.standings.get(provider);
  if (standing === undefined) throw new Error("unknown provider");
  stored.standings.set(provider, {
    ...standing,
    busy: [leaseKey(leasedJob(9, provider, "leased").jobId, 1)],
  });
}

describe("placing a job", () => {
  it("offers the lease to the best provider of the market", async () => {
    const { stored, place } = setUp();
    expect(await place()).toBe("offered");
    expect(liveLease(stored.job)?.provider).toBe(CHEAP);
  });

  it("looks at what is stored of it first, so that a slot is given away once", async () => {
    const { stored, market, place } = setUp();
    makeBusy(stored, CHEAP);
    expect(await place()).toBe("offered");
    expect(liveLease(stored.job)?.provider).toBe(DEAR);
    expect(market.offerOf(CHEAP)?.runningJobs).toBe(1);
  });

  it("waits for a provider that becomes free, and says so in what it keeps", async () => {
    const { stored, place } = setUp();
    makeBusy(stored, CHEAP);
    makeBusy(stored, DEAR);
    expect(await place()).toBe("full");
    expect(stored.job).toMatchObject({ state: "funded", leases: [], placementRounds: 1 });
    expect(stored.job.placeAtMs).toBeGreaterThan(NOW_MS);
  });

  it("keeps what it decided from: once what is new, then only what changed", async () => {
    const { stored, market, place } = setUp();
    const replayed = (placing: Placing | undefined) =>
      replayPlacement(
        decodePlacementLog(placing?.placement.log ?? ""),
        [...stored.recorded.values()].map(decodeOffer),
      );
    await place();
    expect([...(stored.placed[0]?.offers.keys() ?? [])]).toEqual([CHEAP, DEAR]);
    expect(replayed(stored.placed[0]).chosen).toBe(CHEAP);
    stored.job = { ...sampleJob(), state: "funded" };
    await place();
    expect(stored.placed[1]?.offers.size).toBe(0);
    market.left(CHEAP, NOW_MS);
    stored.job = { ...sampleJob(), state: "funded" };
    await place();
    expect([...(stored.placed[2]?.offers.keys() ?? [])]).toEqual([CHEAP]);
    expect(replayed(stored.placed[2]).chosen).toBe(DEAR);
  });

  it("records again what another process recorded otherwise", async () => {
    const { stored, place } = setUp();
    await place();
    stored.recorded.set(DEAR, stored.recorded.get(CHEAP) ?? "");
    stored.head += 1;
    stored.job = { ...sampleJob(), state: "funded" };
    await place();
    expect([...(stored.placed[1]?.offers.keys() ?? [])]).toEqual([DEAR]);
  });
});
