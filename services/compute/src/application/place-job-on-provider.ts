import { choosePlacement } from "@aios/core-scheduler/placement";
import { encodePlacementLog } from "@aios/core-scheduler/placement-log";
import type { Clock } from "@aios/kernel/clock";
import type { JobId } from "@aios/kernel/identifiers";
import { crashPoint } from "@aios/service-kit/crash-point";
import { liveLease, nextFencingToken } from "../domain/job.js";
import { leaseTermsFor, offer, postponePlacement } from "../domain/job-transitions.js";
import type { JobStore, ProviderLinks } from "../domain/ports.js";
import { metrics } from "../metrics.js";
import { type MarketSettings, offersOf, placementRequest } from "./market.js";

const LONGEST_PAUSE_MS = 30_000;
/** Who becomes free takes the oldest waiting job by itself; the timer is for what nobody told of. */
const FULL_PAUSE_MS = 10_000;

/** `full`: a provider would take the job if it were less busy; `unplaceable`: none would; `moot`: nothing to place. */
export type PlacementOutcome = "offered" | "full" | "unplaceable" | "moot";

/** Chooses a provider for a funded job and offers it the lease, or notes why nobody can take it. */
export class PlaceJobOnProvider {
  readonly #jobs: JobStore;
  readonly #links: ProviderLinks;
  readonly #clock: Clock;
  readonly #settings: MarketSettings;

  constructor(jobs: JobStore, links: ProviderLinks, clock: Clock, settings: MarketSettings) {
    this.#jobs = jobs;
    this.#links = links;
    this.#clock = clock;
    this.#settings = settings;
  }

  async execute(jobId: JobId): Promise<PlacementOutcome> {
    const startedAt = performance.now();
    const settings = this.#settings;
    let outcome = "moot" as PlacementOutcome;
    const placed = await this.#jobs.place(jobId, (job, market) => {
      outcome = "moot";
      if (job.state !== "funded" || liveLease(job) !== undefined) return undefined;
      const nowMs = this.#clock.now();
      const request = placementRequest(job, market, nowMs, settings.restMs);
      const offers = offersOf(market, this.#links.online());
      const best = choosePlacement(request, offers, settings.policy);
      const chosen = best?.address;
      // The log is what explanations are made from when somebody asks.
      const log = encodePlacementLog({
        decidedAtMs: nowMs,
        request,
        offers,
        policy: settings.policy,
        chosen,
      });
      const placement = { jobId, fencingToken: nextFencingToken(job), decidedAtMs: nowMs, log };
      if (chosen === undefined) {
        const idle = offers.map((one) => ({ ...one, runningJobs: 0 }));
        outcome = choosePlacement(request, idle, settings.policy) === undefined ? "unplaceable" : "full";
        const backoffMs = settings.placementRetryMs * 2 ** Math.min(job.placementRounds, 10);
        const leastMs = outcome === "full" ? FULL_PAUSE_MS : 0;
        const pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(leastMs, backoffMs));
        return { change: { job: postponePlacement(job, nowMs + pauseMs) }, placement };
      }
      outcome = "offered";
      const acceptBy = Math.floor(nowMs / 1_000) + settings.acceptWithinSeconds;
      const terms = leaseTermsFor(job, chosen, best?.priceWei[request.kind] ?? 0n, acceptBy);
      const offered = { provider: chosen, terms, offerExpiresAtMs: nowMs + settings.offerTimeoutMs };
      return { change: { job: offer(job, offered, nowMs) }, placement };
    });
    metrics.placementDuration.record(performance.now() - startedAt);
    metrics.placements.add(1, { outcome });
    if (placed === undefined || outcome !== "offered") return outcome;
    crashPoint("compute.offer.before-send");
    this.#links.offerLease(placed);
    crashPoint("compute.offer.after-send");
    return outcome;
  }
}
