import { canonicalJson } from "@aios/kernel/canonical-json";
import { CodedError } from "@aios/kernel/coded-error";
import { decidePlacement } from "./placement.js";
import {
  readFields,
  readList,
  readNumber,
  readOffer,
  readOptional,
  readPolicy,
  readRequest,
  readText,
  toJson,
} from "./placement-json.js";
import type {
  ExplanationScope,
  PlacementDecision,
  PlacementPolicy,
  PlacementRequest,
  ProviderOffer,
} from "./placement-model.js";

/** With the offers in the entry, or with the offers kept beside it. */
const WITH_OFFERS = 1;
const WITHOUT_OFFERS = 2;

/** A decision with what it was made from, as canonical JSON: enough to make it again anywhere. */
export interface PlacementLogEntry {
  readonly decidedAtMs: number;
  readonly request: PlacementRequest;
  /** Undefined where they are kept elsewhere, because many decisions share them. */
  readonly offers: readonly ProviderOffer[] | undefined;
  readonly policy: PlacementPolicy;
  readonly chosen: string | undefined;
}

/** Canonical JSON of an entry; equal entries give equal text. Bigints become `{"int": "…"}`. */
export function encodePlacementLog(entry: PlacementLogEntry): string {
  const offers = entry.offers?.toSorted((a, b) => (a.address < b.address ? -1 : 1));
  const version = offers === undefined ? WITHOUT_OFFERS : WITH_OFFERS;
  return canonicalJson(toJson({ ...entry, version, offers }));
}

/** One offer as canonical JSON, for a log of how the offers of a market changed; equal offers give equal text. */
export function encodeOffer(offer: ProviderOffer): string {
  return canonicalJson(toJson(offer));
}

/** Reads what `encodeOffer` wrote. Throws `invalid-placement-log`. */
export function decodeOffer(text: string): ProviderOffer {
  try {
    return readOffer(JSON.parse(text));
  } catch (cause) {
    throw invalidLog(cause);
  }
}

/** Reads what `encodePlacementLog` wrote. Throws `invalid-placement-log`. */
export function decodePlacementLog(text: string): PlacementLogEntry {
  try {
    const fields = readFields(JSON.parse(text));
    const offers = readOptional(fields["offers"], (list) => readList(list, readOffer));
    if (fields["version"] !== (offers === undefined ? WITHOUT_OFFERS : WITH_OFFERS))
      throw new Error("unknown version");
    return {
      decidedAtMs: readNumber(fields["decidedAtMs"]),
      request: readRequest(fields["request"]),
      offers,
      policy: readPolicy(fields["policy"]),
      chosen: readOptional(fields["chosen"], readText),
    };
  } catch (cause) {
    throw invalidLog(cause);
  }
}

function invalidLog(cause: unknown): CodedError {
  return new CodedError({
    code: "invalid-placement-log",
    kind: "invalid",
    message: "This is not a placement log entry that this version can read.",
    cause,
  });
}

/**
 * Makes the logged decision again from the entry's own offers, or from those that were kept elsewhere. Throws
 * `placement-not-reproduced` when it comes out differently.
 */
export function replayPlacement(
  entry: PlacementLogEntry,
  offers: readonly ProviderOffer[] = entry.offers ?? [],
  scope?: ExplanationScope,
): PlacementDecision {
  const decision = decidePlacement(entry.request, offers, entry.policy, scope);
  if (decision.chosen === entry.chosen) return decision;
  throw new CodedError({
    code: "placement-not-reproduced",
    kind: "internal",
    message: "Replaying the placement chose another provider than the log says.",
    details: { logged: entry.chosen ?? null, replayed: decision.chosen ?? null },
  });
}
