import type { Address } from "@aios/kernel/identifiers";
import { adviseUnplaced, type RemovedOffer } from "./advice.js";
import { PLACEMENT_FILTERS } from "./filters.js";
import type {
  CandidateExplanation,
  ExplanationScope,
  FilterName,
  PlacementDecision,
  PlacementPolicy,
  PlacementRequest,
  ProviderOffer,
} from "./placement-model.js";
import { scoreParts, totalScore } from "./scores.js";

/**
 * Filters and scores every candidate and explains those in the scope, all where none is given. A pure function of its
 * arguments: the order of `offers` does not matter, ties go to the lower price, then to the lower address.
 * O(n log n) in the number of offers.
 */
export function decidePlacement(
  request: PlacementRequest,
  offers: readonly ProviderOffer[],
  policy: PlacementPolicy,
  scope?: ExplanationScope,
): PlacementDecision {
  const judged = offers.map((offer) => judge(offer, request, policy)).sort(byAddress);
  const best = choosePlacement(request, offers, policy);
  const removed: Partial<Record<FilterName, number>> = {};
  for (const { failed } of judged) {
    const [first] = failed;
    if (first !== undefined) removed[first] = (removed[first] ?? 0) + 1;
  }
  return {
    jobId: request.jobId,
    chosen: best?.address,
    offeredPriceWei: best?.priceWei[request.kind],
    candidates: inScope(judged, request, scope).map(({ offer }) =>
      explainCandidate(offer, request, policy, best),
    ),
    considered: judged.length,
    removed,
    advice: best === undefined ? adviseUnplaced(request, judged) : [],
  };
}

interface JudgedOffer extends RemovedOffer {
  readonly offer: ProviderOffer;
  /** 0 for one that a filter removes. */
  readonly score: number;
}

function judge(offer: ProviderOffer, request: PlacementRequest, policy: PlacementPolicy): JudgedOffer {
  const failed = failedFilters(offer, request, policy);
  const score = failed.length > 0 ? 0 : totalScore(scoreParts(offer, request, policy), policy);
  return { offer, failed, score, offeredPriceWei: offer.priceWei[request.kind] };
}

/** In ascending order of address, as they came. */
function inScope(
  judged: readonly JudgedOffer[],
  request: PlacementRequest,
  scope: ExplanationScope | undefined,
): readonly JudgedOffer[] {
  if (scope === undefined || judged.length <= scope.most) return judged;
  const ranked = [...judged].sort((a, b) => {
    if (a.failed.length === 0 && b.failed.length === 0)
      return beats(a.offer, a.score, b.offer, b.score, request) ? -1 : 1;
    return a.failed.length - b.failed.length || byAddress(a, b);
  });
  const shown = new Set(ranked.slice(0, scope.most));
  return judged.filter((one) => shown.has(one) || one.offer.address === scope.provider);
}

function byAddress(a: JudgedOffer, b: JudgedOffer): number {
  return a.offer.address < b.offer.address ? -1 : a.offer.address > b.offer.address ? 1 : 0;
}

/** The provider that `decidePlacement` chooses, without explanations. O(n), allocates nothing per candidate removed. */
export function choosePlacement(
  request: PlacementRequest,
  offers: readonly ProviderOffer[],
  policy: PlacementPolicy,
): ProviderOffer | undefined {
  let best: ProviderOffer | undefined;
  let bestScore = -1;
  for (const offer of offers) {
    if (!passesAll(offer, request, policy)) continue;
    const score = totalScore(scoreParts(offer, request, policy), policy);
    if (best === undefined || beats(offer, score, best, bestScore, request)) {
      best = offer;
      bestScore = score;
    }
  }
  return best;
}

/** Lowest price among providers that could take such a job, whatever the cap and however busy; undefined for none. */
export function cheapestOffer(
  request: PlacementRequest,
  offers: readonly ProviderOffer[],
  policy: PlacementPolicy,
): { readonly provider: Address; readonly priceWei: bigint } | undefined {
  let cheapest: { readonly provider: Address; readonly priceWei: bigint } | undefined;
  for (const offer of offers) {
    const priceWei = offer.priceWei[request.kind];
    if (priceWei === undefined || !failedFilters(offer, request, policy).every(isTransient)) continue;
    const lower = cheapest === undefined || priceWei < cheapest.priceWei;
    const tie = cheapest !== undefined && priceWei === cheapest.priceWei && offer.address < cheapest.provider;
    if (lower || tie) cheapest = { provider: offer.address, priceWei };
  }
  return cheapest;
}

function isTransient(filter: FilterName): boolean {
  return filter === "price-cap" || filter === "capacity";
}

function passesAll(offer: ProviderOffer, request: PlacementRequest, policy: PlacementPolicy): boolean {
  for (const filter of PLACEMENT_FILTERS) if (!filter.passes(offer, request, policy)) return false;
  return true;
}

function failedFilters(
  offer: ProviderOffer,
  request: PlacementRequest,
  policy: PlacementPolicy,
): FilterName[] {
  return PLACEMENT_FILTERS.filter((filter) => !filter.passes(offer, request, policy)).map(
    (filter) => filter.name,
  );
}

/** Whether the offer goes before the best so far: higher score, then lower price, then lower address. */
export function beats(
  offer: ProviderOffer,
  score: number,
  best: ProviderOffer,
  bestScore: number,
  request: PlacementRequest,
): boolean {
  if (score !== bestScore) return score > bestScore;
  const price = offer.priceWei[request.kind] ?? 0n;
  const bestPrice = best.priceWei[request.kind] ?? 0n;
  if (price !== bestPrice) return price < bestPrice;
  return offer.address < best.address;
}

function explainCandidate(
  offer: ProviderOffer,
  request: PlacementRequest,
  policy: PlacementPolicy,
  best: ProviderOffer | undefined,
): CandidateExplanation {
  const failing = PLACEMENT_FILTERS.filter((filter) => !filter.passes(offer, request, policy));
  const offeredPriceWei = offer.priceWei[request.kind];
  const first = failing[0];
  if (first !== undefined) {
    return {
      provider: offer.address,
      chosen: false,
      failed: failing.map((filter) => filter.name),
      removedBy: first.name,
      explanation: failing.map((filter) => filter.explain(offer, request, policy)).join(" "),
      scoreParts: undefined,
      score: 0,
      offeredPriceWei,
    };
  }
  const parts = scoreParts(offer, request, policy);
  const score = totalScore(parts, policy);
  const chosen = best?.address === offer.address;
  return {
    provider: offer.address,
    chosen,
    failed: [],
    removedBy: undefined,
    explanation: chosen ? "It scored highest." : outscored(offer, score, request, policy, best),
    scoreParts: parts,
    score,
    offeredPriceWei,
  };
}

function outscored(
  offer: ProviderOffer,
  score: number,
  request: PlacementRequest,
  policy: PlacementPolicy,
  best: ProviderOffer | undefined,
): string {
  if (best === undefined) return "It passed every filter.";
  const bestParts = scoreParts(best, request, policy);
  const bestScore = totalScore(bestParts, policy);
  if (score === bestScore)
    return `It scored ${score} as did ${best.address}; the lower price, then the lower address wins.`;
  const own = scoreParts(offer, request, policy);
  const lost = (["price", "speed", "load", "level", "spread"] as const)
    .filter((part) => (bestParts[part] - own[part]) * policy.weights[part] > 0)
    .map((part) => `${part} ${own[part]} against ${bestParts[part]}`);
  return `It scored ${score}, ${best.address} scored ${bestScore} (${lost.join(", ")}).`;
}
