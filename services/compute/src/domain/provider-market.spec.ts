import { cheapestOffer, choosePlacement } from "@aios/core-scheduler/placement";
import type { PlacementPolicy, ProviderOffer } from "@aios/core-scheduler/placement-model";
import { type Address, address } from "@aios/kernel/identifiers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leasedJob, sampleProvider } from "../../test/support/sample-provider.js";
import { quoteRequest } from "../application/market.js";
import { offerOf, type ProviderRecord } from "./provider.js";
import { FAULT_WINDOW_MS, leaseKey, ProviderMarket, type ProviderStanding } from "./provider-market.js";

const START_MS = 1_800_000_000_000;
const RECENTLY_HERE_MS = 120_000;
const policy: PlacementPolicy = {
  minimumStakeWei: 1n,
  minimumSoftwareVersion: "0.0.0",
  expectedSelfTestHash: "",
  maximumRecentFaults: 1,
  referenceSpeed: { training: 5_000, inference: 100_000_000 },
  weights: { price: 400, speed: 200, load: 200, level: 100, spread: 100 },
};

/** The market as a list of everything that happened to it: what the index is held to. */
class PlainMarket {
  readonly providers = new Map<Address, ProviderRecord>();
  readonly online = new Set<Address>();
  readonly leftAt = new Map<Address, number>();
  readonly busy = new Map<Address, Set<string>>();
  readonly faults = new Map<Address, Map<string, number>>();

  offers(
    nowMs: number,
    change: (offer: ProviderOffer, record: ProviderRecord) => ProviderOffer,
  ): ProviderOffer[] {
    return [...this.providers.values()].map((record) =>
      change(
        offerOf(record, {
          online: this.online.has(record.address),
          runningJobs: this.busy.get(record.address)?.size ?? 0,
          recentFaults: [...(this.faults.get(record.address)?.values() ?? [])].filter(
            (atMs) => nowMs < atMs + FAULT_WINDOW_MS,
          ).length,
          levelThousandths: 0,
        }),
        record,
      ),
    );
  }

  standing(provider: Address): ProviderStanding | undefined {
    const record = this.providers.get(provider);
    if (record === undefined) return undefined;
    return {
      provider: record,
      busy: [...(this.busy.get(provider) ?? [])],
      faults: Object.fromEntries(this.faults.get(provider) ?? []),
    };
  }
}

const addressOf = (index: number): Address => address(`0x${index.toString(16).padStart(40, "0")}`);

const one = { index: fc.integer({ min: 1, max: 12 }), job: fc.integer({ min: 1, max: 6 }) };
const changes = fc.array(
  fc.oneof(
    fc.record({
      ...one,
      kind: fc.constant("saved" as const),
      price: fc.integer({ min: 1, max: 9 }),
      draining: fc.boolean(),
      registered: fc.integer({ min: 0, max: 4 }).map((roll) => roll > 0),
    }),
    fc.record({ ...one, kind: fc.constant("came" as const) }),
    fc.record({ ...one, kind: fc.constant("left" as const) }),
    fc.record({
      ...one,
      kind: fc.constant("lease" as const),
      state: fc.constantFrom("offered" as const, "leased" as const, "computed" as const, "ended" as const),
    }),
    fc.record({ ...one, kind: fc.constant("fault" as const) }),
    fc.record({
      kind: fc.constant("time" as const),
      ms: fc.constantFrom(1_000, 60_000, RECENTLY_HERE_MS, FAULT_WINDOW_MS),
    }),
    fc.record({ ...one, kind: fc.constant("heartbeat" as const) }),
  ),
  { minLength: 20, maxLength: 120 },
);

describe("ProviderMarket", () => {
  it("answers as the plain lists would, whatever happened before", () => {
    fc.assert(
      fc.property(changes, (history) => {
        const market = new ProviderMarket(policy);
        const plain = new PlainMarket();
        let nowMs = START_MS;
        for (const change of history) {
          if (change.kind === "time") nowMs += change.ms;
          else {
            const provider = addressOf(change.index);
            if (change.kind === "saved") {
              plain.providers.set(
                provider,
                sampleProvider({
                  address: provider,
                  draining: change.draining,
                  registered: change.registered,
                  priceWei: { inference: `${change.price}` },
                }),
              );
              take(market, plain, provider, nowMs);
            } else if (change.kind === "heartbeat") take(market, plain, provider, nowMs);
            else if (change.kind === "came") {
              plain.online.add(provider);
              market.came(provider, nowMs);
            } else if (change.kind === "left") {
              const known = plain.providers.has(provider);
              if (plain.online.delete(provider) && known) plain.leftAt.set(provider, nowMs);
              market.left(provider, nowMs);
            } else if (change.kind === "lease") {
              const job = leasedJob(change.job, provider, change.state);
              const key = leaseKey(job.jobId, 1);
              const busy = plain.busy.get(provider) ?? new Set();
              plain.busy.set(provider, busy);
              if (change.state === "offered" || change.state === "leased") busy.add(key);
              else busy.delete(key);
              market.followJob(undefined, job, nowMs);
              market.followJob(undefined, job, nowMs);
            } else {
              const key = leaseKey(leasedJob(change.job, provider, "ended").jobId, 1);
              const faults = plain.faults.get(provider) ?? new Map();
              plain.faults.set(provider, faults.set(key, nowMs));
              market.faulted(provider, key, nowMs);
            }
          }
          agrees(market, plain, nowMs);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("does not take what was read of a provider before it changed here", () => {
    const market = new ProviderMarket(policy);
    const standing = { provider: sampleProvider({ address: addressOf(1) }), busy: [], faults: {} };
    expect(market.refresh(standing, 0, START_MS)).toBe(true);
    const version = market.versionOf(addressOf(1));
    market.followJob(undefined, leasedJob(1, addressOf(1), "offered"), START_MS);
    expect(market.refresh(standing, version, START_MS)).toBe(false);
    expect(market.offerOf(addressOf(1))?.runningJobs).toBe(1);
    expect(market.differs(standing, START_MS)).toBe(true);
  });

  it("asks for nothing to be recorded but what the record does not say", () => {
    const market = new ProviderMarket(policy);
    for (const index of [1, 2, 3]) {
      const provider = sampleProvider({ address: addressOf(index) });
      market.refresh({ provider, busy: [], faults: {} }, 0, START_MS);
    }
    const first = market.unrecorded();
    expect([...first.keys()]).toEqual([addressOf(1), addressOf(2), addressOf(3)]);
    market.came(addressOf(2), START_MS);
    market.noteRecorded(first, 3);
    expect([...market.unrecorded().keys()]).toEqual([addressOf(2)]);
    market.noteRecorded(market.unrecorded(), 4);
    market.came(addressOf(2), START_MS);
    expect(market.unrecorded().size).toBe(0);
    market.compareWith(new Map());
    expect(market.unrecorded().size).toBe(3);
  });
});

function take(market: ProviderMarket, plain: PlainMarket, provider: Address, nowMs: number): void {
  const standing = plain.standing(provider);
  if (standing !== undefined) expect(market.refresh(standing, market.versionOf(provider), nowMs)).toBe(true);
}

function agrees(market: ProviderMarket, plain: PlainMarket, nowMs: number): void {
  const request = { ...quoteRequest("inference", 1, 1), providerPriceCapWei: 6n };
  // A provider that was never saved is not known, whatever is said of its link and leases.
  const known = (offers: ProviderOffer[]) =>
    offers.filter(({ address: one }) => market.offerOf(one) !== undefined);
  expect(market.choose(request, nowMs)?.address).toBe(
    choosePlacement(request, known(plain.offers(nowMs, (offer) => offer)), policy)?.address,
  );
  const idle = plain.offers(nowMs, (offer) => ({ ...offer, runningJobs: 0 }));
  expect(market.couldTake(request, nowMs)).toBe(choosePlacement(request, idle, policy) !== undefined);
  const here = (offer: ProviderOffer, record: ProviderRecord): ProviderOffer => {
    const leftMs = plain.leftAt.get(record.address) ?? record.lastSeenMs;
    return { ...offer, online: offer.online || nowMs < leftMs + RECENTLY_HERE_MS };
  };
  const cheapest = market.cheapest(request, nowMs);
  expect(cheapest && { provider: cheapest.address, priceWei: cheapest.priceWei.inference }).toEqual(
    cheapestOffer(request, plain.offers(nowMs, here), policy),
  );
}
