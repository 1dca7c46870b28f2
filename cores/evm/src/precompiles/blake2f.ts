import type { Precompile } from "./precompile.js";

const INPUT_BYTES = 213;

/** RFC 7693 section 2.6: initial values, low half of each 64-bit word first. */
const IV = new Uint32Array([
  0xf3bcc908, 0x6a09e667, 0x84caa73b, 0xbb67ae85, 0xfe94f82b, 0x3c6ef372, 0x5f1d36f1, 0xa54ff53a, 0xade682d1,
  0x510e527f, 0x2b3e6c1f, 0x9b05688c, 0xfb41bd6b, 0x1f83d9ab, 0x137e2179, 0x5be0cd19,
]);

/** RFC 7693 section 2.7: message schedule. */
const SIGMA: readonly string[] = [
  "0123456789abcdef",
  "ea489fd61c02b753",
  "b8c052fdae367194",
  "7931dcbe265a40f8",
  "905724afe1bc683d",
  "2c6a0b834d75fe19",
  "c51fed4a0763928b",
  "db7ec13950f4862a",
  "6fe9b308c2d714a5",
  "a2847615fb9e3cd0",
];
const SCHEDULE: readonly (readonly number[])[] = SIGMA.map((row) =>
  [...row].map((digit) => Number.parseInt(digit, 16) * 2),
);

function addInto(v: Uint32Array, a: number, low: number, high: number): void {
  const sum = v[a] + low;
  v[a + 1] = v[a + 1] + high + (sum > 0xffffffff ? 1 : 0);
  v[a] = sum;
}

/** d = (d xor a), rotated right by `bits`. */
function xorRotate(v: Uint32Array, d: number, a: number, bits: number): void {
  const low = v[d] ^ v[a];
  const high = v[d + 1] ^ v[a + 1];
  if (bits === 32) {
    v[d] = high;
    v[d + 1] = low;
  } else if (bits < 32) {
    v[d] = (low >>> bits) | (high << (32 - bits));
    v[d + 1] = (high >>> bits) | (low << (32 - bits));
  } else {
    v[d] = (high >>> (bits - 32)) | (low << (64 - bits));
    v[d + 1] = (low >>> (bits - 32)) | (high << (64 - bits));
  }
}

/** RFC 7693 section 3.1: the mixing function. Indices count halves of words. */
function mix(
  v: Uint32Array,
  m: Uint32Array,
  a: number,
  b: number,
  c: number,
  d: number,
  x: number,
  y: number,
) {
  addInto(v, a, v[b], v[b + 1]);
  addInto(v, a, m[x], m[x + 1]);
  xorRotate(v, d, a, 32);
  addInto(v, c, v[d], v[d + 1]);
  xorRotate(v, b, c, 24);
  addInto(v, a, v[b], v[b + 1]);
  addInto(v, a, m[y], m[y + 1]);
  xorRotate(v, d, a, 16);
  addInto(v, c, v[d], v[d + 1]);
  xorRotate(v, b, c, 63);
}

function compress(h: Uint32Array, m: Uint32Array, t: Uint32Array, last: boolean, rounds: number): void {
  const v = new Uint32Array(32);
  v.set(h);
  v.set(IV, 16);
  for (let i = 0; i < 4; i++) v[24 + i] ^= t[i];
  if (last) {
    v[28] = ~v[28];
    v[29] = ~v[29];
  }
  for (let round = 0; round < rounds; round++) {
    const s = SCHEDULE[round % 10];
    mix(v, m, 0, 8, 16, 24, s[0], s[1]);
    mix(v, m, 2, 10, 18, 26, s[2], s[3]);
    mix(v, m, 4, 12, 20, 28, s[4], s[5]);
    mix(v, m, 6, 14, 22, 30, s[6], s[7]);
    mix(v, m, 0, 10, 20, 30, s[8], s[9]);
    mix(v, m, 2, 12, 22, 24, s[10], s[11]);
    mix(v, m, 4, 14, 16, 26, s[12], s[13]);
    mix(v, m, 6, 8, 18, 28, s[14], s[15]);
  }
  for (let i = 0; i < 16; i++) h[i] ^= v[i] ^ v[i + 16];
}

function littleEndian(input: Uint8Array, at: number, count: number): Uint32Array {
  const view = new DataView(input.buffer, input.byteOffset + at);
  return Uint32Array.from({ length: count }, (_, i) => view.getUint32(i * 4, true));
}

/** 0x09: the compression function of BLAKE2b (EIP-152). No library exposes it with a number of rounds. */
export const blake2f: Precompile = {
  gas: (input) => (input.length === INPUT_BYTES ? roundsOf(input) : 0),
  run: (input) => {
    if (input.length !== INPUT_BYTES || input[212] > 1) return undefined;
    const h = littleEndian(input, 4, 16);
    compress(h, littleEndian(input, 68, 32), littleEndian(input, 196, 4), input[212] === 1, roundsOf(input));
    const out = new Uint8Array(64);
    const view = new DataView(out.buffer);
    for (let i = 0; i < 16; i++) view.setUint32(i * 4, h[i], true);
    return out;
  },
};

function roundsOf(input: Uint8Array): number {
  return new DataView(input.buffer, input.byteOffset).getUint32(0);
}
