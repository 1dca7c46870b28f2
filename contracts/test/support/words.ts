import { getBytes, hexlify, toBeHex } from "ethers";

/** Words of 32 bytes, as contracts and encodings of points have them. */
export const word = (value: bigint): string => toBeHex(value, 32);
export const wordAt = (bytes: string, at: number): bigint =>
  BigInt(hexlify(getBytes(bytes).subarray(32 * at, 32 * at + 32)));
export const withWord = (bytes: string, at: number, value: bigint): string => {
  const changed = getBytes(bytes);
  changed.set(getBytes(word(value)), 32 * at);
  return hexlify(changed);
};
export const withWords = (bytes: string, changes: Readonly<Record<number, bigint>>): string =>
  Object.entries(changes).reduce((text, [at, value]) => withWord(text, Number(at), value), bytes);
