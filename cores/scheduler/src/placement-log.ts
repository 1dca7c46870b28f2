import { canonicalJson, type Json } from "@aios/kernel/canonical-json";
import { CodedError } from "@aios/kernel/coded-error";
import { address, jobId } from "@aios/kernel/identifiers";
import { decidePlacement } from "./placement.js";
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
    const offer = fromJson(JSON.parse(text) as Json) as ProviderOffer;
    return { ...offer, address: address(offer.address), selfTest: offer.selfTest };
  } catch (cause) {
    throw invalidLog(cause);
  }
}

/** Reads what `encodePlacementLog` wrote. Throws `invalid-placement-log`. */
export function decodePlacementLog(text: string): PlacementLogEntry {
  try {
    const value = fromJson(JSON.parse(text) as Json) as unknown as PlacementLogEntry & { version: number };
    const known = value.version === (value.offers === undefined ? WITHOUT_OFFERS : WITH_OFFERS);
    if (!known) throw new Error("unknown version");
    const recent = Object.entries(value.request.recentByProvider as unknown as Record<string, number>);
    return {
      decidedAtMs: value.decidedAtMs,
      request: {
        ...value.request,
        jobId: jobId(value.request.jobId),
        recentByProvider: new Map(recent.map(([provider, count]) => [address(provider), count])),
      },
      offers: value.offers,
      policy: value.policy,
      chosen: value.chosen,
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

function toJson(value: unknown): Json {
  if (typeof value === "bigint") return { int: value.toString() };
  if (value instanceof Map) return toJson(Object.fromEntries(value));
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return Object.fromEntries(entries.map(([key, item]) => [key, toJson(item)]));
  }
  return value as Json;
}

function fromJson(value: Json): unknown {
  if (Array.isArray(value)) return value.map(fromJson);
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    const [first] = entries;
    if (entries.length === 1 && first?.[0] === "int" && typeof first[1] === "string") return BigInt(first[1]);
    return Object.fromEntries(entries.map(([key, item]) => [key, fromJson(item)]));
  }
  return value;
}
