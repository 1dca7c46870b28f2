import { type Address, address } from "@aios/kernel/identifiers";
import { TypedDataEncoder, verifyMessage, verifyTypedData } from "ethers/hash";
import type { TypedDataTypes } from "./typed-data.js";

/** EIP-712 domain of one contract. */
export interface TypedDataDomain {
  readonly name: string;
  readonly version: string;
  readonly chainId: bigint;
  readonly verifyingContract: string;
}

/** What somebody signs (EIP-712): domain, types of the one primary type, message. */
export interface TypedData {
  readonly domain: TypedDataDomain;
  readonly types: TypedDataTypes;
  readonly message: Readonly<Record<string, unknown>>;
}

/** The JSON that `eth_signTypedData_v4` takes: integers as decimal strings, `EIP712Domain` spelled out. */
export interface TypedDataPayload {
  readonly domain: Readonly<Record<string, unknown>>;
  readonly types: Readonly<Record<string, readonly { readonly name: string; readonly type: string }[]>>;
  readonly primaryType: string;
  readonly message: Readonly<Record<string, unknown>>;
}

/** The data as the wallet's JSON. Throws what ethers throws where a field is missing or out of its type's range. */
export function typedDataPayload({ domain, types, message }: TypedData): TypedDataPayload {
  return TypedDataEncoder.getPayload(domain, types, { ...message }) as TypedDataPayload;
}

/** `typedDataPayload` as text. */
export function typedDataJson(data: TypedData): string {
  return JSON.stringify(typedDataPayload(data));
}

/** EIP-712 digest, 0x hex: what is signed. Throws what ethers throws where a field does not fit its type. */
export function typedDataDigest({ domain, types, message }: TypedData): string {
  return TypedDataEncoder.hash(domain, types, { ...message });
}

/**
 * Account whose key signed the data (65 bytes r, s, v as 0x hex), or undefined where the signature recovers to none or
 * the data cannot be encoded. Accounts with code (ERC-1271) are not looked at.
 */
export function signerOf({ domain, types, message }: TypedData, signature: string): Address | undefined {
  try {
    return address(verifyTypedData(domain, types, { ...message }, signature));
  } catch {
    return undefined;
  }
}

/** Account whose key signed the text (EIP-191), or undefined where the signature recovers to none. */
export function textSignerOf(text: string, signature: string): Address | undefined {
  try {
    return address(verifyMessage(text, signature));
  } catch {
    return undefined;
  }
}
