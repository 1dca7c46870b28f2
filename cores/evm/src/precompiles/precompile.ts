/** A contract that the client itself implements (Yellow Paper appendix E). Pure. */
export interface Precompile {
  /** Price for this input; infinite for input that no gas can pay for. */
  gas(input: Uint8Array): number;
  /** Its answer; `undefined` when it fails and takes all gas. Does not change or keep `input`. */
  run(input: Uint8Array): Uint8Array | undefined;
}

/** `length` bytes of `input` from `at` on, as if zeros followed it. */
export function padded(input: Uint8Array, at: number, length: number): Uint8Array {
  const out = new Uint8Array(length);
  if (at < input.length) out.set(input.subarray(at, at + length));
  return out;
}

/** Big-endian bytes as an integer. */
export function bigintOf(bytes: Uint8Array): bigint {
  let hex = "0x0";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return BigInt(hex);
}

/** An integer as `length` big-endian bytes. */
export function bytesOf(value: bigint, length: number): Uint8Array {
  const hex = value.toString(16).padStart(length * 2, "0");
  const out = new Uint8Array(length);
  for (let i = 0; i < length; i++) out[i] = Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16);
  return out;
}

export function concatenate(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export const words = (input: Uint8Array): number => Math.ceil(input.length / 32);

/** The word 1: what checks answer for yes. */
export const ONE: Uint8Array = bytesOf(1n, 32);
