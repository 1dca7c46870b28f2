import { tokenDomain } from "@aios/core-settlement/permit";
import type { TypedData, TypedDataDomain } from "@aios/core-settlement/signed-data";
import {
  PERMIT_TYPES,
  PROVIDER_REGISTRATION_TYPES,
  type SigningDomain,
  signingDomain,
} from "@aios/core-settlement/typed-data";
import type { Address } from "@aios/kernel/identifiers";
import type { PinnedNetwork } from "./network.js";
import { parseTypedData, requireField, signatureRefused, wholeNumber } from "./typed-data.js";

export interface NamedTypedData {
  readonly name: string;
  readonly data: TypedData;
}

/** Format of the challenge that this program answers; compute is told it in the hello. */
export const CHALLENGE_VERSION = 2;
const NONCE = /^AiOS provider link\nversion: 2\nnonce: (0x[0-9a-f]{32,128})\n/;
/** Longest time that a signature for a stake may stay usable. */
const LONGEST_VALIDITY_SECONDS = 3_600n;

/**
 * Checks the text that proves a key over the link; nothing else is ever signed as text for a network. It names the address
 * that was dialled and the pinned chain and escrow: one made for another server or network is worth nothing here.
 * Throws `signature-refused`.
 */
export function checkChallenge(
  text: string,
  provider: Address,
  server: string,
  network: PinnedNetwork,
): void {
  const nonce = NONCE.exec(text)?.[1];
  const expected = [
    "AiOS provider link",
    `version: ${CHALLENGE_VERSION}`,
    `nonce: ${nonce}`,
    `address: ${provider}`,
    `server: ${server}`,
    `chain: ${network.chainId}`,
    `escrow: ${network.contracts.JobEscrow}`,
  ].join("\n");
  if (nonce !== undefined && text === expected) return;
  throw signatureRefused(
    `The challenge is not one for ${provider} at ${server} on chain ${network.chainId} with the escrow ${network.contracts.JobEscrow}: not signed.`,
  );
}

/** The token contract that counts permit nonces, on its chain. */
export interface StakedToken {
  readonly chainId: bigint;
  /** Lower case. */
  readonly address: Address;
}

/** What a registration stakes: `permitNonce` tells repeated signatures for the same stake from further ones. */
export interface SignedStake {
  readonly permitNonce: bigint;
  readonly stakeWei: bigint;
}

export interface CheckedRegistration {
  readonly toSign: readonly NamedTypedData[];
  readonly stake: SignedStake;
}

/**
 * What a provider signs to join: its registration with the pinned registry and the permit of the pinned coin for exactly
 * that stake, both for at most an hour. Throws `signature-refused`.
 */
export function checkRegistration(
  requests: readonly { readonly name: string; readonly typedDataJson: string }[],
  provider: Address,
  network: PinnedNetwork,
  nowMs: number,
): CheckedRegistration {
  const parsed = requests.map(({ name, typedDataJson }) => ({ name, ...parseTypedData(typedDataJson) }));
  const registration = parsed.find(({ primaryType }) => primaryType === "ProviderRegistration");
  const permit = parsed.find(({ primaryType }) => primaryType === "Permit");
  if (registration === undefined || permit === undefined || parsed.length !== 2) {
    throw signatureRefused("This is not a registration with the permit for its stake.");
  }
  const { ProviderRegistry, WrappedAios } = network.contracts;
  requireDomain(registration.domain, signingDomain(network.chainId, ProviderRegistry));
  requireDomain(permit.domain, tokenDomain(network.chainId, WrappedAios));
  requireField(registration.message, "provider", provider);
  requireField(permit.message, "owner", provider);
  requireField(permit.message, "spender", ProviderRegistry);
  const stakeWei = wholeNumber(registration.message["stakeWei"], "stakeWei");
  const value = wholeNumber(permit.message["value"], "value");
  if (value !== stakeWei)
    throw signatureRefused(`The permit is for ${value} wei, the stake ${stakeWei}: not signed.`);
  for (const { message } of [registration, permit]) requireSoon(message, nowMs);
  return {
    toSign: [registration, permit].map(({ name, primaryType, domain, message }) => ({
      name,
      data: {
        domain,
        types: primaryType === "Permit" ? PERMIT_TYPES : PROVIDER_REGISTRATION_TYPES,
        message,
      },
    })),
    stake: { permitNonce: wholeNumber(permit.message["nonce"], "nonce"), stakeWei },
  };
}

/**
 * Throws `signature-refused` when all that was ever signed away of the stake's token, this stake included, is more than the
 * limit.
 */
export function requireWithinLimit(
  signed: readonly SignedStake[],
  stake: SignedStake,
  limitWei: bigint,
): void {
  // A permit's nonce is used once: of several signatures under one only one counts.
  const others = signed.filter(({ permitNonce }) => permitNonce !== stake.permitNonce);
  const totalWei = others.reduce((sum, { stakeWei }) => sum + stakeWei, stake.stakeWei);
  if (totalWei <= limitWei) return;
  throw signatureRefused(
    `With this stake of ${stake.stakeWei} wei ${totalWei} wei would have been signed away in all, above PROVIDER_MAX_STAKE_WEI, ${limitWei}: not signed.`,
  );
}

function requireDomain(given: TypedDataDomain, own: SigningDomain | TypedDataDomain): void {
  const agrees =
    given.name === own.name &&
    given.version === own.version &&
    given.chainId === own.chainId &&
    given.verifyingContract === own.verifyingContract;
  if (agrees) return;
  throw signatureRefused(
    `It is for ${given.name} ${given.version} at ${given.verifyingContract} on chain ${given.chainId}, not for ${own.name} ${own.version} at ${own.verifyingContract} on chain ${own.chainId}: not signed.`,
  );
}

function requireSoon(message: Readonly<Record<string, unknown>>, nowMs: number): void {
  const deadline = wholeNumber(message["deadline"], "deadline");
  if (deadline <= BigInt(Math.floor(nowMs / 1_000)) + LONGEST_VALIDITY_SECONDS) return;
  throw signatureRefused(`The signature would be good until ${deadline}, more than an hour: not signed.`);
}
