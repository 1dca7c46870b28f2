import { signInRefused } from "./errors.js";

/** The fields of an EIP-4361 message that decide. */
export interface SignInFields {
  readonly domain: string;
  readonly uri: string;
  readonly chainId: number;
  readonly version: string;
  readonly issuedAtMs: number | undefined;
  readonly expirationTimeMs: number | undefined;
  readonly notBeforeMs: number | undefined;
}

export interface SignInPolicy {
  readonly domains: readonly string[];
  readonly chainId: number;
  readonly nowMs: number;
}

const CLOCK_TOLERANCE_MS = 60_000;
const LONGEST_VALIDITY_MS = 15 * 60_000;

/** Throws `sign-in-refused` with the field: the message must be for this site, this chain and this moment. */
export function checkSignIn(fields: SignInFields, policy: SignInPolicy): void {
  const { nowMs } = policy;
  if (fields.version !== "1") throw signInRefused("Version", "The sign-in message must have version 1.");
  if (!policy.domains.includes(fields.domain))
    throw signInRefused("domain", "The sign-in message is for another site.");
  if (hostOf(fields.uri) !== fields.domain)
    throw signInRefused("URI", "The sign-in message's URI must be on its own domain.");
  if (fields.chainId !== policy.chainId)
    throw signInRefused("Chain ID", `The sign-in message must name chain ${policy.chainId}.`);
  if (fields.issuedAtMs === undefined || fields.issuedAtMs > nowMs + CLOCK_TOLERANCE_MS) {
    throw signInRefused("Issued At", "The sign-in message must have been issued by now.");
  }
  if (fields.notBeforeMs !== undefined && fields.notBeforeMs > nowMs) {
    throw signInRefused("Not Before", "The sign-in message is not valid yet.");
  }
  if (fields.expirationTimeMs === undefined || fields.expirationTimeMs > nowMs + LONGEST_VALIDITY_MS) {
    throw signInRefused("Expiration Time", "The sign-in message must expire within 15 minutes.");
  }
  if (fields.expirationTimeMs <= nowMs)
    throw signInRefused("Expiration Time", "The sign-in message has expired.");
}

function hostOf(uri: string): string | undefined {
  return URL.canParse(uri) ? new URL(uri).host : undefined;
}
