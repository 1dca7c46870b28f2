import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { invalidSealing } from "./errors.js";
import type { SealedKey } from "./sealed-key.js";

/** JSON of a sealed key: `{"ephemeralPublicKey":"0x…","nonce":"0x…","ciphertext":"0x…"}`. */
export function sealedKeyToJson(sealed: SealedKey): string {
  return JSON.stringify({
    ephemeralPublicKey: `0x${bytesToHex(sealed.ephemeralPublicKey)}`,
    nonce: `0x${bytesToHex(sealed.nonce)}`,
    ciphertext: `0x${bytesToHex(sealed.ciphertext)}`,
  });
}

/** Reads what `sealedKeyToJson` wrote, and nothing else. Throws `invalid-sealing`. */
export function sealedKeyFromJson(json: string): SealedKey {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw invalidSealing("sealedKey", "JSON");
  }
  if (typeof value !== "object" || value === null) throw invalidSealing("sealedKey", "a JSON object");
  const fields = value as Readonly<Record<string, unknown>>;
  return {
    ephemeralPublicKey: hexField(fields, "ephemeralPublicKey", 32),
    nonce: hexField(fields, "nonce", 12),
    ciphertext: hexField(fields, "ciphertext", 48),
  };
}

function hexField(fields: Readonly<Record<string, unknown>>, name: string, length: number): Uint8Array {
  const value = fields[name];
  if (typeof value !== "string" || !new RegExp(`^0x[0-9a-fA-F]{${length * 2}}$`).test(value)) {
    throw invalidSealing(name, `0x and ${length * 2} hex digits`);
  }
  return hexToBytes(value.slice(2));
}
