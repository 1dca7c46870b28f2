import {
  type PlacementPolicy,
  type PlacementRequest,
  type ProviderOffer,
  SCORE_PARTS,
  type Scores,
} from "./placement-model.js";

const FULL = 1000;
/** Each recent job of the same tenant on the same provider costs this much of the spread part. */
const SPREAD_STEP = 250;

/**
 * The parts of an eligible candidate's score, each 0 to 1000. Integer arithmetic only, and none depends on another
 * candidate: adding or removing one never changes the order of the rest.
 */
export function scoreParts(offer: ProviderOffer, request: PlacementRequest, policy: PlacementPolicy): Scores {
  return {
    price: priceThousandths(offer.priceWei[request.kind] ?? 0n, request.providerPriceCapWei),
    speed: speedThousandths(offer, request, policy),
    load: Math.floor(
      (FULL * Math.max(0, offer.maxParallelJobs - offer.runningJobs)) / Math.max(1, offer.maxParallelJobs),
    ),
    level: Math.min(FULL, Math.max(0, Math.trunc(offer.levelThousandths))),
    spread: Math.max(0, FULL - SPREAD_STEP * (request.recentByProvider.get(offer.address) ?? 0)),
  };
}

/** Weighted sum, in thousandths, rounded down. */
export function totalScore(parts: Scores, policy: PlacementPolicy): number {
  let sum = 0;
  for (const part of SCORE_PARTS) sum += parts[part] * policy.weights[part];
  return Math.floor(sum / FULL);
}

/** 1000 for free work, 0 at the cap; never more for a higher price. */
export function priceThousandths(priceWei: bigint, capWei: bigint): number {
  if (capWei <= 0n) return priceWei === 0n ? FULL : 0;
  if (priceWei >= capWei) return 0;
  return Number((BigInt(FULL) * (capWei - priceWei)) / capWei);
}

/** Saturating: 500 at the reference speed, 1000 never quite reached. */
function speedThousandths(offer: ProviderOffer, request: PlacementRequest, policy: PlacementPolicy): number {
  const figures = offer.selfTest;
  if (figures === undefined) return 0;
  const speed =
    request.kind === "inference" ? figures.evaluatorMacsPerSecond : figures.trainingSamplesPerSecond;
  const reference = policy.referenceSpeed[request.kind];
  if (!(speed > 0)) return 0;
  return Number(
    (BigInt(FULL) * BigInt(Math.trunc(speed))) /
      (BigInt(Math.trunc(speed)) + BigInt(Math.trunc(reference)) + 1n),
  );
}
