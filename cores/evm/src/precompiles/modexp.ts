import { FORK } from "../hardfork.js";
import { bigintOf, bytesOf, type Precompile, padded } from "./precompile.js";

/** EIP-7823 */
const OSAKA_MAX_BYTES = 1_024n;

interface Lengths {
  readonly base: bigint;
  readonly exponent: bigint;
  readonly modulus: bigint;
}

function lengthsOf(input: Uint8Array): Lengths {
  return {
    base: bigintOf(padded(input, 0, 32)),
    exponent: bigintOf(padded(input, 32, 32)),
    modulus: bigintOf(padded(input, 64, 32)),
  };
}

/** Bits below the highest one of the exponent's first 32 bytes, and `perByte` for each byte behind them. */
function iterations(input: Uint8Array, { base, exponent }: Lengths, perByte: bigint): bigint {
  const headLength = exponent < 32n ? Number(exponent) : 32;
  const start = base < BigInt(input.length) ? 96 + Number(base) : input.length;
  const head = bigintOf(padded(input, start, headLength));
  const bits = head === 0n ? 0n : BigInt(head.toString(2).length - 1);
  const count = exponent > 32n ? perByte * (exponent - 32n) + bits : bits;
  return count > 1n ? count : 1n;
}

function gasOf(input: Uint8Array, osaka: boolean): number {
  const lengths = lengthsOf(input);
  const longest = lengths.base > lengths.modulus ? lengths.base : lengths.modulus;
  if (osaka && (longest > OSAKA_MAX_BYTES || lengths.exponent > OSAKA_MAX_BYTES))
    return Number.POSITIVE_INFINITY;
  const words = (longest + 7n) / 8n;
  const square = words * words;
  const count = iterations(input, lengths, osaka ? 16n : 8n);
  // EIP-7883, and EIP-2565 before it.
  const gas = osaka ? (longest > 32n ? 2n * square : 16n) * count : (square * count) / 3n;
  const least = osaka ? 500n : 200n;
  if (gas > BigInt(Number.MAX_SAFE_INTEGER)) return Number.POSITIVE_INFINITY;
  return Number(gas > least ? gas : least);
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n % modulus;
  const square = base % modulus;
  for (const bit of exponent.toString(2)) {
    result = (result * result) % modulus;
    if (bit === "1") result = (result * square) % modulus;
  }
  return result;
}

/** 0x05: modular exponentiation of big integers (EIP-198). */
export function modexp(fork: number): Precompile {
  return {
    gas: (input) => gasOf(input, fork >= FORK.osaka),
    run: (input) => {
      const lengths = lengthsOf(input);
      if (lengths.modulus === 0n) return new Uint8Array(0);
      const [baseLength, modulusLength] = [Number(lengths.base), Number(lengths.modulus)];
      // An exponent that no input reaches is zero, whatever its length says.
      const exponentStart = 96 + baseLength;
      const exponentLength = Number(lengths.exponent);
      if (baseLength === 0 && modulusLength === 0) return new Uint8Array(0);
      const modulus = bigintOf(padded(input, exponentStart + exponentLength, modulusLength));
      if (modulus === 0n) return new Uint8Array(modulusLength);
      const base = bigintOf(padded(input, 96, baseLength));
      const exponent = bigintOf(padded(input, exponentStart, exponentLength));
      return bytesOf(power(base, exponent, modulus), modulusLength);
    },
  };
}
