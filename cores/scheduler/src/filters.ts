import { formatAios } from "@aios/kernel/units";
import type { FilterName, PlacementPolicy, PlacementRequest, ProviderOffer } from "./placement-model.js";
import { compareVersions } from "./software-version.js";

export interface Filter {
  readonly name: FilterName;
  passes(offer: ProviderOffer, request: PlacementRequest, policy: PlacementPolicy): boolean;
  /** Why it failed and what would change that. Only asked after `passes` said no. */
  explain(offer: ProviderOffer, request: PlacementRequest, policy: PlacementPolicy): string;
}

/** One filter each, in the order of `FILTERS`. All are independent of other candidates. */
export const PLACEMENT_FILTERS: readonly Filter[] = [
  {
    name: "registered",
    passes: (offer) => offer.registered,
    explain: () => "It is not registered on chain; it has to sign its registration and stake.",
  },
  {
    name: "staked",
    passes: (offer, _request, policy) => offer.stakedWei >= policy.minimumStakeWei,
    explain: (offer, _request, policy) =>
      `It has staked ${formatAios(offer.stakedWei)} AIOS; ${formatAios(policy.minimumStakeWei)} AIOS are needed.`,
  },
  {
    name: "online",
    passes: (offer) => offer.online,
    explain: () => "It is not connected; it takes work again as soon as its program is.",
  },
  {
    name: "draining",
    passes: (offer) => !offer.draining,
    explain: () => "It finishes its work and takes no more until its operator ends the drain.",
  },
  {
    name: "self-test",
    passes: (offer, _request, policy) =>
      offer.selfTest !== undefined &&
      (policy.expectedSelfTestHash === "" || offer.selfTest.resultHash === policy.expectedSelfTestHash),
    explain: (offer) =>
      offer.selfTest === undefined
        ? "It has sent no self-test; it has to run one."
        : "Its self-test gave another result than a healthy machine's; it has to be repaired and tested again.",
  },
  {
    name: "software-version",
    passes: (offer, _request, policy) =>
      policy.minimumSoftwareVersion === "" ||
      compareVersions(offer.softwareVersion, policy.minimumSoftwareVersion) >= 0,
    explain: (offer, _request, policy) =>
      `It runs version ${offer.softwareVersion || "unknown"}; ${policy.minimumSoftwareVersion} or newer is needed.`,
  },
  {
    name: "faults",
    passes: (offer, _request, policy) => offer.recentFaults <= policy.maximumRecentFaults,
    explain: (offer) =>
      `Its results were wrong ${offer.recentFaults} times lately; it is used again when these are old enough.`,
  },
  {
    name: "job-kind",
    passes: (offer, request) =>
      offer.kinds.includes(request.kind) && offer.priceWei[request.kind] !== undefined,
    explain: (_offer, request) =>
      `It offers no ${request.kind} jobs; its operator would have to add a price for them.`,
  },
  {
    name: "memory",
    passes: (offer, request) => offer.memoryBytes >= request.requiredMemoryBytes,
    explain: (offer, request) =>
      `It has ${mebibytes(offer.memoryBytes)} MiB of memory; the job needs ${mebibytes(request.requiredMemoryBytes)} MiB.`,
  },
  {
    name: "price-cap",
    passes: (offer, request) => (offer.priceWei[request.kind] ?? 0n) <= request.providerPriceCapWei,
    explain: (offer, request) =>
      `It asks ${formatAios(offer.priceWei[request.kind] ?? 0n)} AIOS; the order leaves ${formatAios(
        request.providerPriceCapWei,
      )} AIOS for the provider.`,
  },
  {
    name: "capacity",
    passes: (offer) => offer.runningJobs < offer.maxParallelJobs,
    explain: (offer) =>
      `It runs ${offer.runningJobs} of at most ${offer.maxParallelJobs} jobs; it takes another when one ends.`,
  },
  {
    name: "burned-lease",
    passes: (offer, request) => !request.burned.some((lease) => lease.provider === offer.address),
    explain: (offer, request) =>
      `Its lease on this job ended before (${
        request.burned.find((lease) => lease.provider === offer.address)?.reason ?? "unknown"
      }); it does not get the same job twice.`,
  },
];

/** Filters that ask about the request as well: the others (and `job-kind`) answer the same for every job of a kind. */
export const REQUEST_FILTERS: ReadonlySet<FilterName> = new Set(["memory", "price-cap", "burned-lease"]);

function mebibytes(bytes: number): number {
  return Math.floor(bytes / 1_048_576);
}
