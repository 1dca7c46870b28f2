import type { TypedData } from "@aios/core-settlement/signed-data";
import { LEASE_TERMS_TYPES } from "@aios/core-settlement/typed-data";
import type { Address } from "@aios/kernel/identifiers";
import type { LeaseRef } from "./ports.js";
import { parseTypedData, requireField, signatureRefused, wholeNumber } from "./typed-data.js";

export type WorkKind = "training" | "inference";

/** What this provider takes: by kind, the least it asks for one job. */
export interface PriceList {
  readonly [kind: string]: bigint | undefined;
}

/** The network that a provider was welcomed to. */
export interface Network {
  readonly chainId: bigint;
  /** Addresses by registry name. */
  readonly contracts: Readonly<Record<string, string>>;
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
  | { readonly accepted: true; readonly terms: TypedData; readonly acceptByMs: number }
  | { readonly accepted: false; readonly reason: string };

/**
 * The provider's own policy: accepts what it can do, for at least its price, under terms that say what was offered.
 * Refusals name the reason; terms that name another job, provider or network are refused as `terms-mismatch`.
 */
export function decideOffer(offer: Offer, own: OwnState, network: Network): LeaseAnswer {
  const price = own.prices[offer.kind];
  if (own.draining) return { accepted: false, reason: "draining" };
  if (!own.kinds.includes(offer.kind) || price === undefined)
    return { accepted: false, reason: "kind-not-offered" };
  if (own.takenJobs >= own.maxParallelJobs * QUEUE_FACTOR) return { accepted: false, reason: "at-capacity" };
  if (offer.deliverByMs <= own.nowMs) return { accepted: false, reason: "too-late" };
  try {
    const terms = checkTerms(offer, own.provider, network);
    if (wholeNumber(terms.message["providerPriceWei"], "providerPriceWei") < price) {
      return { accepted: false, reason: "price-too-low" };
    }
    return {
      accepted: true,
      terms,
      acceptByMs: Number(wholeNumber(terms.message["acceptBy"], "acceptBy")) * 1_000,
    };
  } catch (error) {
    return {
      accepted: false,
      reason: `terms-mismatch: ${error instanceof Error ? error.message : "unreadable"}`,
    };
  }
}

function checkTerms(offer: Offer, provider: Address, network: Network): TypedData {
  const { primaryType, domain, message } = parseTypedData(offer.leaseTermsJson);
  if (primaryType !== "LeaseTerms") throw signatureRefused("These are not lease terms.");
  const escrow = network.contracts["JobEscrow"];
  if (
    domain.chainId !== network.chainId ||
    escrow === undefined ||
    domain.verifyingContract !== escrow.toLowerCase()
  ) {
    throw signatureRefused("The lease terms are for another network or escrow.");
  }
  requireField(message, "jobId", offer.jobId);
  requireField(message, "provider", provider);
  requireField(message, "fencingToken", offer.fencingToken.toString());
  return { domain, types: LEASE_TERMS_TYPES, message };
}
