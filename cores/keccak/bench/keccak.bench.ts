import { keccak_256 } from "@noble/hashes/sha3.js";
import { keccak256 } from "../src/keccak.js";

const SIZES = [32, 110, 532];
const HASHES = 50_000;

/** Hashes in a second of processor time, which other processes on the machine do not take from. */
function perSecond(hash: (bytes: Uint8Array) => Uint8Array, size: number): number {
  const bytes = new Uint8Array(size);
  const run = (): void => {
    for (let i = 0; i < HASHES; i++) {
      bytes[0] = i;
      hash(bytes);
    }
  };
  run();
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (HASHES * 1_000_000) / (user + system);
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
