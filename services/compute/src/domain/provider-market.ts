import { PlacementIndex } from "@aios/core-scheduler/placement-index";
import { encodeOffer } from "@aios/core-scheduler/placement-log";
import type { PlacementPolicy, PlacementRequest, ProviderOffer } from "@aios/core-scheduler/placement-model";
import type { Address } from "@aios/kernel/identifiers";
import type { Job, LeaseState } from "./job.js";
import { offerOf, type ProviderRecord } from "./provider.js";

/** Leases that keep a provider busy: from the offer until its result is here. */
export const BUSY_LEASE_STATES: readonly LeaseState[] = ["offered", "agreed", "leased"];
/** How long a fault counts against its provider. */
export const FAULT_WINDOW_MS = 24 * 3_600_000;
/** A provider that left this recently still counts for prices: it may just be reconnecting. */
const RECENTLY_HERE_MS = 120_000;
/** Contribution levels are 0 until a first learning cycle has run. */
const LEVEL_BEFORE_FIRST_CYCLE = 0;
const ANY_PRICE = 2n ** 256n;
const BY_PRICE_ALONE = { price: 0, speed: 0, load: 0, level: 0, spread: 0 };

/** A provider as it is stored, with the leases that keep it busy and its faults, by `<job id>:<fencing token>`. */
export interface ProviderStanding {
  readonly provider: ProviderRecord;
  readonly busy: readonly string[];
  /** When each happened, within the fault window. */
  readonly faults: Readonly<Record<string, number>>;
}

interface KnownProvider {
  record: ProviderRecord;
  busy: ReadonlySet<string>;
  faults: ReadonlyMap<string, number>;
  /** When its link broke, or it was last heard of before this process; while it is online it says nothing. */
  lastHereMs: number;
  version: number;
}

/**
 * All providers of the market in memory: what each offers now, found without asking every one. Holds nothing that is
 * not stored elsewhere: it is loaded at start and follows what is saved, link by link and lease by lease. Applying the
 * same change again changes nothing. Also keeps which offers changed since they were last recorded, so that a decision
 * can be made again later from what was known then.
 */
export class ProviderMarket {
  readonly #known = new Map<Address, KnownProvider>();
  readonly #online = new Set<Address>();
  /** As things are. */
  readonly #now: PlacementIndex;
  /** As things would be if nobody were busy. */
  readonly #idle: PlacementIndex;
  /** Idle, with those who left a moment ago, by price alone. */
  readonly #quotable: PlacementIndex;
  readonly #unrecorded = new Map<Address, ProviderOffer>();
  #recordedHead: number | undefined;
  readonly #faultsToForget = new Timeline<Address>();
  readonly #leaversToForget = new Timeline<Address>();

  constructor(policy: PlacementPolicy) {
    this.#now = new PlacementIndex(policy);
    this.#idle = new PlacementIndex(policy);
    this.#quotable = new PlacementIndex({ ...policy, weights: BY_PRICE_ALONE });
  }

  get size(): number {
    return this.#known.size;
  }

  /** Counts the changes of one provider: a standing that was read before the latest change is not applied. */
  versionOf(provider: Address): number {
    return this.#known.get(provider)?.version ?? 0;
  }

  /** Takes over what is stored. False, and nothing changes, where the provider changed here since `version`. */
  refresh(standing: ProviderStanding, version: number, nowMs: number): boolean {
    const { provider: record, busy, faults } = standing;
    if (this.versionOf(record.address) !== version) return false;
    const known = this.#known.get(record.address);
    for (const [key, atMs] of Object.entries(faults)) {
      if (known?.faults.has(key) !== true) this.#faultsToForget.add(atMs + FAULT_WINDOW_MS, record.address);
    }
    if (known === undefined && nowMs < record.lastSeenMs + RECENTLY_HERE_MS)
      this.#leaversToForget.add(record.lastSeenMs + RECENTLY_HERE_MS, record.address);
    this.#known.set(record.address, {
      record,
      busy: new Set(busy),
      faults: new Map(Object.entries(faults)),
      lastHereMs: known?.lastHereMs ?? record.lastSeenMs,
      version: version + 1,
    });
    this.#reindex(record.address, nowMs);
    return true;
  }

  /** Its link is open. */
  came(provider: Address, nowMs: number): void {
    this.#online.add(provider);
    this.#change(provider, nowMs, () => undefined);
  }

  /** Its link broke. */
  left(provider: Address, nowMs: number): void {
    if (!this.#online.delete(provider)) return;
    this.#leaversToForget.add(nowMs + RECENTLY_HERE_MS, provider);
    this.#change(provider, nowMs, (known) => {
      known.lastHereMs = nowMs;
    });
  }

  /** A job was stored: its leases may have made providers busy or free. */
  followJob(before: Job | undefined, after: Job, nowMs: number): void {
    for (const lease of after.leases) {
      if (before?.leases.includes(lease)) continue;
      const key = leaseKey(after.jobId, lease.fencingToken);
      const busy = BUSY_LEASE_STATES.includes(lease.state);
      this.#change(lease.provider, nowMs, (known) => {
        if (known.busy.has(key) === busy) return;
        const keys = new Set(known.busy);
        if (busy) keys.add(key);
        else keys.delete(key);
        known.busy = keys;
      });
    }
  }

  /** A fault of the provider was stored. */
  faulted(provider: Address, key: string, atMs: number): void {
    this.#faultsToForget.add(atMs + FAULT_WINDOW_MS, provider);
    this.#change(provider, atMs, (known) => {
      known.faults = new Map(known.faults).set(key, atMs);
    });
  }

  /** The best provider for the request as things are. */
  choose(request: PlacementRequest, nowMs: number): ProviderOffer | undefined {
    this.#forget(nowMs);
    return this.#now.choose(request);
  }

  /** Whether somebody would take the request if nobody were busy. */
  couldTake(request: PlacementRequest, nowMs: number): boolean {
    this.#forget(nowMs);
    return this.#idle.choose(request) !== undefined;
  }

  /** The lowest price among those that could take such a job, whatever the cap, however busy, or just reconnecting. */
  cheapest(request: PlacementRequest, nowMs: number): ProviderOffer | undefined {
    this.#forget(nowMs);
    return this.#quotable.choose({ ...request, providerPriceCapWei: ANY_PRICE });
  }

  offerOf(provider: Address): ProviderOffer | undefined {
    return this.#now.offerOf(provider);
  }

  /** Whether what is stored of a provider gives another offer than the one here. */
  differs(standing: ProviderStanding, nowMs: number): boolean {
    const here = this.#now.offerOf(standing.provider.address);
    const stored = this.#offer(
      standing.provider,
      standing.busy.length,
      recent(new Map(Object.entries(standing.faults)), nowMs),
    );
    return here === undefined || encodeOffer(here) !== encodeOffer(stored);
  }

  /** Everybody, in order of address. */
  list(): readonly {
    readonly provider: ProviderRecord;
    readonly online: boolean;
    readonly runningJobs: number;
  }[] {
    return [...this.#known.values()]
      .map(({ record, busy }) => ({
        provider: record,
        online: this.#online.has(record.address),
        runningJobs: busy.size,
      }))
      .sort((a, b) => (a.provider.address < b.provider.address ? -1 : 1));
  }

  /** The position up to which offers are recorded; undefined when that has to be compared first. */
  get recordedHead(): number | undefined {
    return this.#recordedHead;
  }

  /** What has to be recorded so that the record says what is here: `recorded` are the latest texts by provider. */
  compareWith(recorded: ReadonlyMap<Address, string>): void {
    this.#unrecorded.clear();
    for (const offer of this.#now.offers()) {
      if (recorded.get(offer.address) !== encodeOffer(offer)) this.#unrecorded.set(offer.address, offer);
    }
  }

  /** Offers that changed since they were last recorded. */
  unrecorded(): ReadonlyMap<Address, ProviderOffer> {
    return new Map(this.#unrecorded);
  }

  /** These are recorded now, up to the position. What changed meanwhile is not among them. */
  noteRecorded(offers: ReadonlyMap<Address, ProviderOffer>, head: number): void {
    this.#recordedHead = head;
    for (const [provider, offer] of offers) {
      if (this.#unrecorded.get(provider) === offer) this.#unrecorded.delete(provider);
    }
  }

  #change(provider: Address, nowMs: number, work: (known: KnownProvider) => void): void {
    const known = this.#known.get(provider);
    if (known === undefined) return;
    work(known);
    known.version += 1;
    this.#reindex(provider, nowMs);
  }

  /** Faults and absences that are over by now. */
  #forget(nowMs: number): void {
    for (const provider of this.#faultsToForget.until(nowMs)) this.#reindex(provider, nowMs);
    for (const provider of this.#leaversToForget.until(nowMs)) this.#reindex(provider, nowMs);
  }

  #reindex(provider: Address, nowMs: number): void {
    const known = this.#known.get(provider);
    if (known === undefined) return;
    const offer = this.#offer(known.record, known.busy.size, recent(known.faults, nowMs));
    const before = this.#now.offerOf(provider);
    if (before === undefined || encodeOffer(before) !== encodeOffer(offer)) {
      this.#now.upsert(offer);
      this.#unrecorded.set(provider, offer);
      this.#idle.upsert({ ...offer, runningJobs: 0 });
    }
    const online = offer.online || nowMs < known.lastHereMs + RECENTLY_HERE_MS;
    const quoted = this.#quotable.offerOf(provider);
    const quote = { ...offer, runningJobs: 0, online };
    if (quoted === undefined || encodeOffer(quoted) !== encodeOffer(quote)) this.#quotable.upsert(quote);
  }

  #offer(record: ProviderRecord, runningJobs: number, recentFaults: number): ProviderOffer {
    return offerOf(record, {
      online: this.#online.has(record.address),
      runningJobs,
      recentFaults,
      levelThousandths: LEVEL_BEFORE_FIRST_CYCLE,
    });
  }
}

export function leaseKey(jobId: string, fencingToken: number): string {
  return `${jobId}:${fencingToken}`;
}

function recent(faults: ReadonlyMap<string, number>, nowMs: number): number {
  let count = 0;
  for (const atMs of faults.values()) if (nowMs < atMs + FAULT_WINDOW_MS) count += 1;
  return count;
}

/** Things that are to happen, by time. Times come nearly in order, so that a sorted list is cheap. */
class Timeline<T> {
  readonly #entries: { readonly atMs: number; readonly what: T }[] = [];

  add(atMs: number, what: T): void {
    let at = this.#entries.length;
    while (at > 0 && (this.#entries[at - 1]?.atMs ?? 0) > atMs) at -= 1;
    this.#entries.splice(at, 0, { atMs, what });
  }

  /** Takes out what is due. */
  until(nowMs: number): readonly T[] {
    let due = 0;
    while ((this.#entries[due]?.atMs ?? Number.POSITIVE_INFINITY) <= nowMs) due += 1;
    return due === 0 ? [] : this.#entries.splice(0, due).map(({ what }) => what);
  }
}
