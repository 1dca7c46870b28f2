import { keccak_256 } from "@noble/hashes/sha3.js";
import { keccak256 } from "../src/keccak.js";

const SIZES = [32, 110, 532];
const SECONDS_PER_FIGURE = 0.5;

function perSecond(hash: (bytes: Uint8Array) => Uint8Array, size: number): number {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < 20_000; i++) hash(bytes);
  const end = performance.now() + SECONDS_PER_FIGURE * 1_000;
  let count = 0;
  while (performance.now() < end) {
    for (let i = 0; i < 100; i++) {
      bytes[0] = i;
      hash(bytes);
    }
    count += 100;
  }
  return count / SECONDS_PER_FIGURE;
}

const figures = SIZES.map((size) => ({
  name: `keccak256 of ${size} bytes`,
  value: Math.round(perSecond(keccak256, size)),
  unit: "hashes/s",
  goal: null,
  better: "higher",
  peer: "@noble/hashes",
  peerValue: Math.round(perSecond(keccak_256, size)),
}));
if (process.argv.includes("--json"))
  for (const figure of figures) console.log(JSON.stringify({ suite: "keccak", ...figure }));
else
  console.table(figures.map(({ name, value, unit, peerValue }) => ({ name, value, unit, noble: peerValue })));
