import { formatAios } from "@aios/kernel/units";
import type { FilterName, PlacementAdvice, PlacementRequest } from "./placement-model.js";

/** What advice needs to know of one offer. */
export interface RemovedOffer {
  readonly failed: readonly FilterName[];
  readonly offeredPriceWei: bigint | undefined;
}

/**
 * What would place a job that no candidate can take: for every filter that is the only one to remove some
 * candidates, the change that lets them pass; most useful first. Never empty.
 */
export function adviseUnplaced(
  request: PlacementRequest,
  candidates: readonly RemovedOffer[],
): PlacementAdvice[] {
  const onlyFailure = new Map<FilterName, RemovedOffer[]>();
  for (const candidate of candidates) {
    const [filter] = candidate.failed;
    if (filter === undefined || candidate.failed.length > 1) continue;
    const group = onlyFailure.get(filter) ?? [];
    group.push(candidate);
    onlyFailure.set(filter, group);
  }
  const advice: PlacementAdvice[] = [];
  const priced = onlyFailure.get("price-cap");
  if (priced !== undefined) advice.push(raiseCap(request, priced));
  for (const [filter, code] of ORDER) {
    const group = onlyFailure.get(filter);
    if (group !== undefined)
      advice.push({ code, filter, providers: group.length, message: SENTENCES[filter](group.length) });
  }
  if (advice.length === 0) {
    advice.push({
      code: "add-providers",
      filter: undefined,
      providers: candidates.length,
      message:
        candidates.length === 0
          ? "No provider has joined yet; start one."
          : `Each of the ${candidates.length} known providers fails more than one filter; more providers are needed.`,
    });
  }
  return advice;
}

function raiseCap(request: PlacementRequest, priced: readonly RemovedOffer[]): PlacementAdvice {
  const prices = priced.map((candidate) => candidate.offeredPriceWei ?? 0n);
  const [cheapestWei = 0n] = prices.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return {
    code: "raise-price-cap",
    cheapestWei,
    capWei: request.providerPriceCapWei,
    providers: priced.length,
    message: `The cheapest offer is ${formatAios(cheapestWei)} AIOS; your cap leaves ${formatAios(
      request.providerPriceCapWei,
    )} AIOS for the provider.`,
  };
}

type SentenceCode = Exclude<PlacementAdvice["code"], "raise-price-cap">;

const ORDER: readonly (readonly [Exclude<FilterName, "price-cap">, SentenceCode])[] = [
  ["capacity", "wait-for-capacity"],
  ["draining", "bring-providers-online"],
  ["online", "bring-providers-online"],
  ["registered", "fix-providers"],
  ["staked", "fix-providers"],
  ["self-test", "fix-providers"],
  ["software-version", "fix-providers"],
  ["faults", "add-providers"],
  ["job-kind", "fix-providers"],
  ["memory", "add-providers"],
  ["burned-lease", "add-providers"],
];

const SENTENCES: Readonly<Record<Exclude<FilterName, "price-cap">, (count: number) => string>> = {
  capacity: (count) => `${count} suitable providers are busy; the job is placed when one finishes a job.`,
  draining: (count) => `${count} suitable providers drain; the job is placed when one ends its drain.`,
  online: (count) => `${count} suitable providers are not connected; the job is placed when one connects.`,
  registered: (count) => `${count} suitable providers are not registered on chain yet.`,
  staked: (count) => `${count} suitable providers have staked too little; they have to add stake.`,
  "self-test": (count) => `${count} suitable providers failed or lack the self-test; they have to pass it.`,
  "software-version": (count) => `${count} suitable providers run too old a version; they have to update.`,
  faults: (count) => `${count} suitable providers returned wrong results lately; other providers are needed.`,
  "job-kind": (count) => `${count} providers could do this kind of work but do not offer it.`,
  memory: (count) => `${count} otherwise suitable providers have too little memory; larger ones are needed.`,
  "burned-lease": (count) =>
    `${count} otherwise suitable providers already failed this job; others are needed.`,
};
