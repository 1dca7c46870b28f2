import { CodedError } from "@aios/kernel/coded-error";
import type { Hex } from "./api-types.js";

/** Bytes as 0x hex. */
export function toHex(bytes: Uint8Array): Hex {
  let text = "0x";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text as Hex;
}

/** 0x hex as bytes. Throws `invalid-hex`. */
export function fromHex(text: string): Uint8Array {
  if (!/^0x([0-9a-fA-F]{2})*$/.test(text)) {
    throw new CodedError({
      code: "invalid-hex",
      kind: "invalid",
      message: "Expected 0x followed by whole bytes of hex.",
    });
  }
  const bytes = new Uint8Array((text.length - 2) / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 + 2 * i, 4 + 2 * i), 16);
  return bytes;
}

/** An unsigned integer as 32 big-endian bytes of hex. */
export function toHex32(value: bigint): Hex {
  return `0x${value.toString(16).padStart(64, "0")}`;
}
