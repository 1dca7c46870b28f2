import { bls12_381 } from "@noble/curves/bls12-381.js";
import { bn254 } from "@noble/curves/bn254.js";
import { p256 } from "@noble/curves/nist.js";
import { recoverableInput } from "./keys.js";
import type { Random } from "./random.js";
import { bytesOf, hexOf } from "./scenario.js";

const hexWord = (value: bigint): string => value.toString(16).padStart(64, "0");
const hexField = (value: bigint): string => value.toString(16).padStart(128, "0");
const SCALARS = [1n, 2n, 3n, 0xdecafn];

const bnG1 = SCALARS.map((k) => {
  const { x, y } = bn254.G1.Point.BASE.multiply(k).toAffine();
  return hexWord(x) + hexWord(y);
});
const bnG2 = SCALARS.map((k) => {
  const { x, y } = bn254.G2.Point.BASE.multiply(k).toAffine();
  return hexWord(x.c1) + hexWord(x.c0) + hexWord(y.c1) + hexWord(y.c0);
});
const blsG1 = SCALARS.map((k) => {
  const { x, y } = bls12_381.G1.Point.BASE.multiply(k).toAffine();
  return hexField(x) + hexField(y);
});
const blsG2 = SCALARS.map((k) => {
  const { x, y } = bls12_381.G2.Point.BASE.multiply(k).toAffine();
  return hexField(x.c0) + hexField(x.c1) + hexField(y.c0) + hexField(y.c1);
});
const recoverable = recoverableInput();
const p256Input = (() => {
  const secret = new Uint8Array(32).fill(7);
  const digest = new Uint8Array(32).fill(0x17);
  const signature = p256.sign(digest, secret, { prehash: false });
  return hexOf(digest) + hexOf(signature) + hexOf(p256.getPublicKey(secret, false).subarray(1));
})();

function modexpInput(random: Random): string {
  const lengths = [random.below(40), random.below(40), random.below(40)];
  const body = random.bytes(lengths.reduce((sum, length) => sum + length, 0));
  return lengths.map((length) => hexWord(BigInt(length))).join("") + hexOf(body);
}

function blakeInput(random: Random): string {
  const rounds = random.below(20).toString(16).padStart(8, "0");
  return rounds + hexOf(random.bytes(208)) + random.pick(["00", "01", "02"]);
}

const scalar = (random: Random): string => hexWord(random.word());

/** Inputs that reach the inside of a precompile, by its address. */
const MAKERS: ReadonlyMap<number, (random: Random) => string> = new Map([
  [0x01, () => recoverable],
  [0x05, modexpInput],
  [0x06, (random) => random.pick(bnG1) + random.pick(bnG1)],
  [0x07, (random) => random.pick(bnG1) + scalar(random)],
  [0x08, (random) => (random.chance(50) ? "" : random.pick(bnG1) + random.pick(bnG2))],
  [0x09, blakeInput],
  [0x0b, (random) => random.pick(blsG1) + random.pick(blsG1)],
  [0x0c, (random) => (random.pick(blsG1) + scalar(random)).repeat(random.between(1, 2))],
  [0x0d, (random) => random.pick(blsG2) + random.pick(blsG2)],
  [0x0e, (random) => random.pick(blsG2) + scalar(random)],
  [0x0f, (random) => random.pick(blsG1) + random.pick(blsG2)],
  [
    0x10,
    (random) => "00".repeat(16) + hexOf(random.bytes(48).map((byte, i) => (i === 0 ? byte & 0x0f : byte))),
  ],
  [0x11, (random) => `${"00".repeat(16)}0${hexOf(random.bytes(48)).slice(1)}`.repeat(2)],
  [0x100, () => p256Input],
]);

/** Pairings cost either engine milliseconds. */
const SLOW = [0x08, 0x0c, 0x0e, 0x0f, 0x10, 0x11];

/** Input of a precompile: right, nearly right, or anything. */
export function precompileInput(random: Random, address: number): string {
  const make = MAKERS.get(address);
  if (make === undefined || random.chance(15)) return hexOf(random.bytes(random.below(200)));
  const input = make(random);
  if (random.chance(80) || input.length === 0) return input;
  const bytes = bytesOf(input);
  if (random.chance(50)) bytes[random.below(bytes.length)] ^= 1 << random.below(8);
  return hexOf(random.chance(50) ? bytes : bytes.subarray(0, random.below(bytes.length)));
}

/** An address of a precompile of any fork but point evaluation, for which the peer has no implementation of its own. */
export function precompileAddress(random: Random): number {
  const all = [1, 2, 3, 4, 5, 6, 7, 9, 0x0b, 0x0d, 0x100];
  return random.chance(2) ? random.pick(SLOW) : random.pick(all);
}
