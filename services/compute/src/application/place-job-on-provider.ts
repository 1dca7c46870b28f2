import { encodeOffer, encodePlacementLog } from "@aios/core-scheduler/placement-log";
import type { PlacementRequest, ProviderOffer } from "@aios/core-scheduler/placement-model";
import type { Clock } from "@aios/kernel/clock";
import type { Address, JobId } from "@aios/kernel/identifiers";
import { crashPoint } from "@aios/service-kit/crash-point";
import { monotonicMs } from "@aios/service-kit/system-clock";
import { type Job, liveLease, nextFencingToken } from "../domain/job.js";
import { leaseTermsFor, offer, postponePlacement } from "../domain/job-transitions.js";
import type { JobStore, PlacementView, ProviderLinks } from "../domain/ports.js";
import type { ProviderMarket } from "../domain/provider-market.js";
import { metrics } from "../metrics.js";
import { type MarketSettings, needsReplica, placementRequest } from "./market.js";

const LONGEST_PAUSE_MS = 30_000;
/** Who becomes free takes the oldest waiting job by itself; the timer is for what nobody told of. */
const FULL_PAUSE_MS = 10_000;

/** `full`: a provider would take the job if it were less busy; `unplaceable`: none would; `moot`: nothing to place. */
export type PlacementOutcome = "offered" | "full" | "unplaceable" | "moot";

/** Chooses a provider for a funded job and offers it the lease, or notes why nobody can take it. */
export class PlaceJobOnProvider {
  readonly #jobs: JobStore;
  readonly #market: ProviderMarket;
  readonly #links: ProviderLinks;
  readonly #clock: Clock;
  readonly #settings: MarketSettings;

  constructor(
    jobs: JobStore,
    market: ProviderMarket,
    links: ProviderLinks,
    clock: Clock,
    settings: MarketSettings,
  ) {
    this.#jobs = jobs;
    this.#market = market;
    this.#links = links;
    this.#clock = clock;
    this.#settings = settings;
  }

  async execute(jobId: JobId): Promise<PlacementOutcome> {
    const startedAt = monotonicMs();
    const settings = this.#settings;
    let outcome = "moot" as PlacementOutcome;
    let recorded: ReadonlyMap<Address, ProviderOffer> = new Map();
    const { job: placed, recordedHead } = await this.#jobs.place(jobId, async (job, view) => {
      outcome = "moot";
      if (job.state !== "funded" || liveLease(job) !== undefined) return undefined;
      const nowMs = this.#clock.now();
      const request = placementRequest(job, view.recentByProvider, nowMs, settings.restMs);
      const best = await this.#choose(request, view, nowMs);
      recorded = await this.#unrecorded(view);
      const made = this.#decide(job, request, best, nowMs);
      outcome = made.outcome;
      // Explanations are made from the log and the recorded offers when somebody asks.
      const log = encodePlacementLog({
        decidedAtMs: nowMs,
        request,
        offers: undefined,
        policy: settings.policy,
        chosen: best?.address,
      });
      return {
        change: { job: made.job },
        placement: { jobId, fencingToken: nextFencingToken(job), decidedAtMs: nowMs, log },
        offers: new Map([...recorded].map(([provider, offer]) => [provider, encodeOffer(offer)])),
      };
    });
    if (recordedHead !== undefined) this.#market.noteRecorded(recorded, recordedHead);
    metrics.placementDuration.record(monotonicMs() - startedAt);
    metrics.placements.add(1, { outcome });
    if (placed === undefined || outcome !== "offered") return outcome;
    crashPoint("compute.offer.before-send");
    this.#links.offerLease(placed);
    crashPoint("compute.offer.after-send");
    return outcome;
  }

  /**
   * The market may be behind what is stored. So the stored facts of who it names are looked at under the placement's
   * lock: a free slot is given away once, whatever this process has missed.
   */
  async #choose(
    request: PlacementRequest,
    view: PlacementView,
    nowMs: number,
  ): Promise<ProviderOffer | undefined> {
    for (;;) {
      const best = this.#market.choose(request, nowMs);
      if (best === undefined) return undefined;
      const version = this.#market.versionOf(best.address);
      const standing = await view.standing(best.address);
      if (standing === undefined || !this.#market.differs(standing, nowMs)) return best;
      metrics.marketCorrections.add(1);
      this.#market.refresh(standing, version, nowMs);
    }
  }

  /** What has to be recorded so that the record says what was chosen from. */
  async #unrecorded(view: PlacementView): Promise<ReadonlyMap<Address, ProviderOffer>> {
    if (this.#market.recordedHead !== view.recordedHead) {
      this.#market.compareWith(await view.recordedOffers());
    }
    return this.#market.unrecorded();
  }

  #decide(
    job: Job,
    request: PlacementRequest,
    best: ProviderOffer | undefined,
    nowMs: number,
  ): { readonly job: Job; readonly outcome: PlacementOutcome } {
    const settings = this.#settings;
    if (best === undefined) {
      const outcome = this.#market.couldTake(request, nowMs) ? "full" : "unplaceable";
      const backoffMs = settings.placementRetryMs * 2 ** Math.min(job.placementRounds, 10);
      const leastMs = outcome === "full" ? FULL_PAUSE_MS : 0;
      const pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(leastMs, backoffMs));
      return { job: postponePlacement(job, nowMs + pauseMs), outcome };
    }
    const acceptBy = Math.floor(nowMs / 1_000) + settings.acceptWithinSeconds;
    const role = needsReplica(job) ? "replica" : "lease";
    const price = best.priceWei[request.kind] ?? 0n;
    const terms = leaseTermsFor(job, best.address, price, acceptBy, role);
    const offerExpiresAtMs = nowMs + settings.offerTimeoutMs;
    const offered = { role, provider: best.address, terms, offerExpiresAtMs } as const;
    return { job: offer(job, offered, nowMs), outcome: "offered" };
  }
}
