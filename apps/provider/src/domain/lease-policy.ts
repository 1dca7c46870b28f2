import type { TypedData } from "@aios/core-settlement/signed-data";
import { LEASE_TERMS_TYPES, signingDomain } from "@aios/core-settlement/typed-data";
import type { Address } from "@aios/kernel/identifiers";
import type { AgreedTerms, WorkKind } from "./agreed-terms.js";
import type { PinnedNetwork } from "./network.js";
import type { LeaseRef } from "./ports.js";
import { parseTypedData, requireField, signatureRefused, wholeNumber } from "./typed-data.js";

/** What this provider takes: by kind, the least it asks for one job. */
export interface PriceList {
  readonly [kind: string]: bigint | undefined;
}

export interface Offer extends LeaseRef {
  readonly kind: WorkKind;
  readonly leaseTermsJson: string;
  readonly deliverByMs: number;
}

export interface OwnState {
  readonly provider: Address;
  readonly prices: PriceList;
  readonly kinds: readonly WorkKind[];
  readonly maxParallelJobs: number;
  /** Leases worked on or promised, this one not counted. */
  readonly takenJobs: number;
  readonly draining: boolean;
  readonly nowMs: number;
}

/** Most work promised beyond what runs at once: short jobs queue for a moment. */
const QUEUE_FACTOR = 4;

export type LeaseAnswer =
  | { readonly accepted: true; readonly terms: TypedData; readonly agreed: AgreedTerms }
  | { readonly accepted: false; readonly reason: string };

/**
 * The provider's own policy: accepts what it can do, for at least its price, under terms that say what was offered.
 * Refusals name the reason; terms that name another job, provider or network are refused as `terms-mismatch`.
 */
export function decideOffer(offer: Offer, own: OwnState, network: PinnedNetwork): LeaseAnswer {
  const price = own.prices[offer.kind];
  if (own.draining) return { accepted: false, reason: "draining" };
  if (!own.kinds.includes(offer.kind) || price === undefined)
    return { accepted: false, reason: "kind-not-offered" };
  if (own.takenJobs >= own.maxParallelJobs * QUEUE_FACTOR) return { accepted: false, reason: "at-capacity" };
  if (offer.deliverByMs <= own.nowMs) return { accepted: false, reason: "too-late" };
  try {
    const terms = checkTerms(offer, own.provider, network);
    const priceWei = wholeNumber(terms.message["providerPriceWei"], "providerPriceWei");
    if (priceWei < price) return { accepted: false, reason: "price-too-low" };
    const acceptByMs = Number(wholeNumber(terms.message["acceptBy"], "acceptBy")) * 1_000;
    const { kind, deliverByMs } = offer;
    return {
      accepted: true,
      terms,
      agreed: { kind, priceWei: priceWei.toString(), acceptByMs, deliverByMs },
    };
  } catch (error) {
    return {
      accepted: false,
      reason: `terms-mismatch: ${error instanceof Error ? error.message : "unreadable"}`,
    };
  }
}

function checkTerms(offer: Offer, provider: Address, network: PinnedNetwork): TypedData {
  const { primaryType, domain, message } = parseTypedData(offer.leaseTermsJson);
  if (primaryType !== "LeaseTerms") throw signatureRefused("These are not lease terms.");
  const own = signingDomain(network.chainId, network.contracts.JobEscrow);
  if (
    domain.name !== own.name ||
    domain.version !== own.version ||
    domain.chainId !== own.chainId ||
    domain.verifyingContract !== own.verifyingContract
  ) {
    throw signatureRefused("The lease terms are for another network or escrow.");
  }
  requireField(message, "jobId", offer.jobId);
  requireField(message, "provider", provider);
  requireField(message, "fencingToken", offer.fencingToken.toString());
  return { domain, types: LEASE_TERMS_TYPES, message };
}
