import type { PlacementPolicy, ProviderOffer, WorkKind } from "@aios/core-scheduler/placement-model";
import { textSignerOf } from "@aios/core-settlement/signed-data";
import { canonicalJson } from "@aios/kernel/canonical-json";
import { type Address, type Bytes32, bytes32 } from "@aios/kernel/identifiers";
import { keccak256, toUtf8Bytes } from "ethers";
import { invalidRequest, providerNotProven, providerTooOld, serverNameUnknown } from "./errors.js";

export interface ProviderCapabilities {
  readonly cpuCores: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly gpus: readonly string[];
  readonly jobKinds: readonly string[];
  readonly maxParallelJobs: number;
  readonly softwareVersion: string;
}

export interface ProviderSelfTest {
  readonly evaluatorMacsPerSecond: number;
  readonly trainingSamplesPerSecond: number;
  /** 0x hex. */
  readonly resultHash: string;
  readonly measuredAtMs: number;
  readonly signature: string;
}

/** A provider as this service knows it; `online` lives in the link, not here. */
export interface ProviderRecord {
  readonly address: Address;
  readonly name: string;
  readonly capabilities: ProviderCapabilities;
  readonly selfTest: ProviderSelfTest;
  /** Wei for one job by kind, decimal text. */
  readonly priceWei: Readonly<Record<string, string>>;
  readonly registered: boolean;
  readonly stakedWei: string;
  readonly registrationTransactionHash: string;
  readonly draining: boolean;
  readonly lastSeenMs: number;
}

const NAME = /^[\p{L}\p{N} ._-]{1,64}$/u;
const KINDS: readonly WorkKind[] = ["training", "inference"];
const MAX_GPUS = 64;

/** What a provider says of itself, within bounds. Throws `provider-*` errors that name the field. */
export function checkHello(
  name: string,
  capabilities: ProviderCapabilities,
  priceWei: Readonly<Record<string, string>>,
): void {
  if (!NAME.test(name))
    throw invalidRequest(
      "provider-name-invalid",
      "name",
      "A provider's name has 1 to 64 letters, digits, spaces, dots or hyphens.",
    );
  const { jobKinds, maxParallelJobs, memoryBytes, gpus } = capabilities;
  if (!Number.isInteger(maxParallelJobs) || maxParallelJobs < 1 || maxParallelJobs > 1_024) {
    throw invalidRequest(
      "provider-capabilities-invalid",
      "capabilities.maxParallelJobs",
      "maxParallelJobs must be 1 to 1024.",
    );
  }
  if (!(memoryBytes > 0) || gpus.length > MAX_GPUS || capabilities.softwareVersion.length > 64) {
    throw invalidRequest(
      "provider-capabilities-invalid",
      "capabilities",
      "Memory must be positive, GPUs at most 64, the version at most 64 characters.",
    );
  }
  if (jobKinds.length === 0 || !jobKinds.every((kind) => KINDS.some((known) => known === kind))) {
    throw invalidRequest(
      "provider-capabilities-invalid",
      "capabilities.jobKinds",
      `jobKinds must be some of: ${KINDS.join(", ")}.`,
    );
  }
  for (const [kind, price] of Object.entries(priceWei)) {
    if (!KINDS.some((known) => known === kind) || !/^(0|[1-9][0-9]{0,37})$/.test(price)) {
      throw invalidRequest("provider-price-invalid", `priceWei.${kind}`, "Prices are whole wei by job kind.");
    }
  }
}

/** Format of the challenge below; providers say in their hello which one they answer. */
export const CHALLENGE_VERSION = 2;
/** A name as in HTTP's `:authority`; nothing in it can be taken for a further line. */
const SERVER_NAME = /^[A-Za-z0-9.:_[\]-]{1,255}$/;

/**
 * The text that proves a provider's key over the link: to the server that the provider dialled, on this chain, with this
 * escrow. A proof that was made for one is worth nothing at another.
 */
export function challengeText(
  nonceHex: string,
  provider: Address,
  server: string,
  { chainId, jobEscrow }: { readonly chainId: number; readonly jobEscrow: Address },
): string {
  return [
    "AiOS provider link",
    `version: ${CHALLENGE_VERSION}`,
    `nonce: ${nonceHex}`,
    `address: ${provider}`,
    `server: ${server}`,
    `chain: ${chainId}`,
    `escrow: ${jobEscrow}`,
  ].join("\n");
}

/** Throws `server-name-unknown` unless the name that was dialled is one of ours; without names any that is one is ours. */
export function checkServerName(dialled: string, ours: readonly string[]): void {
  if (SERVER_NAME.test(dialled) && (ours.length === 0 || ours.includes(dialled))) return;
  throw serverNameUnknown(dialled);
}

/** Throws `provider-too-old`. */
export function checkChallengeVersion(version: number): void {
  if (version < CHALLENGE_VERSION) throw providerTooOld();
}

/** Canonical JSON that the provider signs (EIP-191) with its self-test. */
export function selfTestText(selfTest: Omit<ProviderSelfTest, "signature">): string {
  return canonicalJson({
    evaluatorMacsPerSecond: selfTest.evaluatorMacsPerSecond,
    trainingSamplesPerSecond: selfTest.trainingSamplesPerSecond,
    resultHash: selfTest.resultHash,
    measuredAtMs: selfTest.measuredAtMs,
  });
}

/** Throws `provider-key-not-proven`, `self-test-not-signed`. */
export function checkProof(
  provider: Address,
  challenge: string,
  signature: string,
  selfTest: ProviderSelfTest,
): void {
  if (textSignerOf(challenge, signature) !== provider) {
    throw providerNotProven("provider-key-not-proven", `The challenge was not signed by ${provider}.`);
  }
  if (textSignerOf(selfTestText(selfTest), selfTest.signature) !== provider) {
    throw providerNotProven("self-test-not-signed", `The self-test was not signed by ${provider}.`);
  }
}

/** keccak256 of the canonical JSON of what the provider says it has; stands in its registration on chain. */
export function capabilitiesHash(capabilities: ProviderCapabilities): Bytes32 {
  const json = { ...capabilities, gpus: [...capabilities.gpus], jobKinds: [...capabilities.jobKinds] };
  return bytes32(keccak256(toUtf8Bytes(canonicalJson(json))));
}

export function selfTestHash(selfTest: ProviderSelfTest): Bytes32 {
  return bytes32(keccak256(toUtf8Bytes(selfTestText(selfTest))));
}

/** The provider as the scheduler sees it. */
export function offerOf(
  provider: ProviderRecord,
  facts: {
    readonly online: boolean;
    readonly runningJobs: number;
    readonly recentFaults: number;
    readonly levelThousandths: number;
  },
): ProviderOffer {
  const prices: Partial<Record<WorkKind, bigint>> = {};
  for (const kind of KINDS) {
    const price = provider.priceWei[kind];
    if (price !== undefined) prices[kind] = BigInt(price);
  }
  return {
    address: provider.address,
    online: facts.online,
    draining: provider.draining,
    registered: provider.registered,
    stakedWei: BigInt(provider.stakedWei),
    selfTest: {
      resultHash: provider.selfTest.resultHash,
      evaluatorMacsPerSecond: provider.selfTest.evaluatorMacsPerSecond,
      trainingSamplesPerSecond: provider.selfTest.trainingSamplesPerSecond,
    },
    softwareVersion: provider.capabilities.softwareVersion,
    kinds: KINDS.filter((kind) => provider.capabilities.jobKinds.includes(kind)),
    memoryBytes: provider.capabilities.memoryBytes,
    maxParallelJobs: provider.capabilities.maxParallelJobs,
    runningJobs: facts.runningJobs,
    priceWei: prices,
    levelThousandths: facts.levelThousandths,
    recentFaults: facts.recentFaults,
  };
}

/** Weights and limits of this market; the self-test hash is the one of the oldest healthy provider when not set. */
export type MarketPolicy = PlacementPolicy;
