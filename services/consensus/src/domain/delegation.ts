import { addressOf } from "@aios/core-rlp/hex";
import type { Address } from "@aios/kernel/identifiers";

/** EIP-7702: whether code is 0xef0100 and the address whose code runs instead. */
export function isDelegation(code: Uint8Array): boolean {
  return code.length === 23 && code[0] === 0xef && code[1] === 0x01 && code[2] === 0x00;
}

/** The account whose code runs instead; `undefined` for code that is none of EIP-7702. */
export function delegateOf(code: Uint8Array): Address | undefined {
  return isDelegation(code) ? addressOf(code.subarray(3)) : undefined;
}
