import type { TypedData } from "@aios/core-settlement/signed-data";
import { PERMIT_TYPES, PROVIDER_REGISTRATION_TYPES } from "@aios/core-settlement/typed-data";
import { type Address, address } from "@aios/kernel/identifiers";
import { parseTypedData, requireField, signatureRefused, wholeNumber } from "./typed-data.js";

export interface NamedTypedData {
  readonly name: string;
  readonly data: TypedData;
}

/** The exact text that proves a key over the link; nothing else is ever signed as text for a network. */
const CHALLENGE =
  /^AiOS provider link\nnonce: 0x[0-9a-f]{32,128}\naddress: (0x[0-9a-fA-F]{40})\nchain: ([1-9][0-9]{0,15})$/;

/** Checks a challenge and answers with the chain it names. Throws `signature-refused`. */
export function checkChallenge(text: string, provider: Address): { readonly chainId: bigint } {
  const match = CHALLENGE.exec(text);
  if (match?.[1] === undefined || match[2] === undefined || address(match[1]) !== provider) {
    throw signatureRefused("The challenge is not one for this provider: not signed.");
  }
  return { chainId: BigInt(match[2]) };
}

/**
 * What a provider signs to join: its registration and the permit for its stake, on the chain of the challenge, for no
 * more than `maxStakeWei`, both naming the same registry. Throws `signature-refused`.
 */
export function checkRegistration(
  requests: readonly { readonly name: string; readonly typedDataJson: string }[],
  provider: Address,
  chainId: bigint,
  maxStakeWei: bigint,
): readonly NamedTypedData[] {
  const parsed = requests.map(({ name, typedDataJson }) => ({ name, ...parseTypedData(typedDataJson) }));
  const registration = parsed.find(({ primaryType }) => primaryType === "ProviderRegistration");
  if (registration === undefined || parsed.length > 2) throw signatureRefused("This is not a registration.");
  return parsed.map(({ name, primaryType, domain, message }) => {
    if (domain.chainId !== chainId)
      throw signatureRefused("The registration is for another chain than the challenge.");
    if (primaryType === "ProviderRegistration") {
      requireField(message, "provider", provider);
      requireAtMost(message, "stakeWei", maxStakeWei);
      return { name, data: { domain, types: PROVIDER_REGISTRATION_TYPES, message } };
    }
    if (primaryType !== "Permit") throw signatureRefused(`A registration does not need a ${primaryType}.`);
    requireField(message, "owner", provider);
    requireField(message, "spender", registration.domain.verifyingContract);
    requireAtMost(message, "value", maxStakeWei);
    return { name, data: { domain, types: PERMIT_TYPES, message } };
  });
}

function requireAtMost(message: Readonly<Record<string, unknown>>, field: string, limitWei: bigint): void {
  const value = wholeNumber(message[field], field);
  if (value > limitWei)
    throw signatureRefused(`${field} is ${value} wei, above the limit of ${limitWei}: not signed.`);
}
