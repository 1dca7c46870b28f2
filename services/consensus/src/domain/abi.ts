import { keccak256 } from "@aios/core-keccak/keccak";
import { concat, word } from "@aios/core-rlp/hex";
import { utf8ToBytes } from "@noble/hashes/utils";

const WORD_BYTES = 32;
const WORD_RANGE = 2n ** 256n;

/** A value in Solidity's ABI encoding: a static run of words, or bytes that a word points to. */
export type AbiValue =
  | { readonly kind: "static"; readonly bytes: Uint8Array }
  | { readonly kind: "dynamic"; readonly bytes: Uint8Array };

/** An integer of any width, or 32 bytes. Negative ones are in two's complement. */
export function abiWord(value: bigint | number | Uint8Array): AbiValue {
  if (value instanceof Uint8Array) {
    if (value.length !== WORD_BYTES) throw new RangeError("a word has 32 bytes");
    return { kind: "static", bytes: value };
  }
  return { kind: "static", bytes: word((BigInt(value) + WORD_RANGE) % WORD_RANGE) };
}

/** `bytes`. */
export function abiBytes(value: Uint8Array): AbiValue {
  const padding = new Uint8Array((WORD_BYTES - (value.length % WORD_BYTES)) % WORD_BYTES);
  return { kind: "dynamic", bytes: concat(word(BigInt(value.length)), value, padding) };
}

/** A struct, or an array of fixed length. */
export function abiTuple(values: readonly AbiValue[]): AbiValue {
  const isStatic = values.every(({ kind }) => kind === "static");
  return { kind: isStatic ? "static" : "dynamic", bytes: encode(values) };
}

/** What a call of a function carries. `signature`: as in `transfer(address,uint256)`. */
export function abiCall(signature: string, ...values: readonly AbiValue[]): Uint8Array {
  return concat(keccak256(utf8ToBytes(signature)).subarray(0, 4), encode(values));
}

function encode(values: readonly AbiValue[]): Uint8Array {
  const heads: Uint8Array[] = [];
  const tails: Uint8Array[] = [];
  let offset = values.reduce(
    (sum, { kind, bytes }) => sum + (kind === "static" ? bytes.length : WORD_BYTES),
    0,
  );
  for (const { kind, bytes } of values) {
    if (kind === "static") heads.push(bytes);
    else {
      heads.push(word(BigInt(offset)));
      tails.push(bytes);
      offset += bytes.length;
    }
  }
  return concat(...heads, ...tails);
}
