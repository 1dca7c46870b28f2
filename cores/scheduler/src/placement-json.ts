import type { Json } from "@aios/kernel/canonical-json";
import { address, jobId } from "@aios/kernel/identifiers";
import {
  type BurnedLease,
  type PlacementPolicy,
  type PlacementRequest,
  type ProviderOffer,
  SCORE_PARTS,
  type SelfTestFigures,
  type WorkKind,
} from "./placement-model.js";

const KINDS: readonly WorkKind[] = ["training", "inference"];

type Fields = Readonly<Record<string, unknown>>;

/** As JSON: bigints become `{"int": "…"}`, maps objects, what is undefined is left out. */
export function toJson(value: unknown): Json {
  if (typeof value === "bigint") return { int: value.toString() };
  if (value instanceof Map) return toJson(Object.fromEntries(value));
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return Object.fromEntries(entries.map(([key, item]) => [key, toJson(item)]));
  }
  return value as Json;
}

/** Throws where the JSON is no object, as every reader here does where a value is not of its kind. */
export function readFields(value: unknown): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new TypeError("no object");
  return value as Fields;
}

export function readNumber(value: unknown): number {
  if (typeof value !== "number") throw new TypeError("no number");
  return value;
}

export function readText(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("no text");
  return value;
}

export function readOptional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : read(value);
}

export function readList<T>(value: unknown, read: (value: unknown) => T): T[] {
  if (!Array.isArray(value)) throw new TypeError("no list");
  return value.map(read);
}

function readBoolean(value: unknown): boolean {
  if (typeof value !== "boolean") throw new TypeError("no boolean");
  return value;
}

function readInteger(value: unknown): bigint {
  return BigInt(readText(readFields(value)["int"]));
}

function readKind(value: unknown): WorkKind {
  const kind = KINDS.find((known) => known === value);
  if (kind === undefined) throw new TypeError("no kind of work");
  return kind;
}

export function readRequest(value: unknown): PlacementRequest {
  const fields = readFields(value);
  const recent = Object.entries(readFields(fields["recentByProvider"]));
  return {
    jobId: jobId(fields["jobId"]),
    kind: readKind(fields["kind"]),
    providerPriceCapWei: readInteger(fields["providerPriceCapWei"]),
    requiredMemoryBytes: readNumber(fields["requiredMemoryBytes"]),
    workUnits: readNumber(fields["workUnits"]),
    burned: readList(fields["burned"], readBurned),
    recentByProvider: new Map(recent.map(([provider, count]) => [address(provider), readNumber(count)])),
  };
}

function readBurned(value: unknown): BurnedLease {
  const fields = readFields(value);
  return { provider: address(fields["provider"]), reason: readText(fields["reason"]) };
}

export function readOffer(value: unknown): ProviderOffer {
  const fields = readFields(value);
  const prices = readFields(fields["priceWei"]);
  return {
    address: address(fields["address"]),
    online: readBoolean(fields["online"]),
    draining: readBoolean(fields["draining"]),
    registered: readBoolean(fields["registered"]),
    stakedWei: readInteger(fields["stakedWei"]),
    selfTest: readOptional(fields["selfTest"], readSelfTest),
    softwareVersion: readText(fields["softwareVersion"]),
    kinds: readList(fields["kinds"], readKind),
    memoryBytes: readNumber(fields["memoryBytes"]),
    maxParallelJobs: readNumber(fields["maxParallelJobs"]),
    runningJobs: readNumber(fields["runningJobs"]),
    priceWei: Object.fromEntries(
      KINDS.filter((kind) => prices[kind] !== undefined).map((kind) => [kind, readInteger(prices[kind])]),
    ),
    levelThousandths: readNumber(fields["levelThousandths"]),
    recentFaults: readNumber(fields["recentFaults"]),
  };
}

function readSelfTest(value: unknown): SelfTestFigures {
  const fields = readFields(value);
  return {
    resultHash: readText(fields["resultHash"]),
    evaluatorMacsPerSecond: readNumber(fields["evaluatorMacsPerSecond"]),
    trainingSamplesPerSecond: readNumber(fields["trainingSamplesPerSecond"]),
  };
}

export function readPolicy(value: unknown): PlacementPolicy {
  const fields = readFields(value);
  return {
    minimumStakeWei: readInteger(fields["minimumStakeWei"]),
    minimumSoftwareVersion: readText(fields["minimumSoftwareVersion"]),
    expectedSelfTestHash: readText(fields["expectedSelfTestHash"]),
    maximumRecentFaults: readNumber(fields["maximumRecentFaults"]),
    referenceSpeed: readNumbers(fields["referenceSpeed"], KINDS),
    weights: readNumbers(fields["weights"], SCORE_PARTS),
  };
}

function readNumbers<Name extends string>(value: unknown, names: readonly Name[]): Record<Name, number> {
  const fields = readFields(value);
  return Object.fromEntries(names.map((name) => [name, readNumber(fields[name])])) as Record<Name, number>;
}
