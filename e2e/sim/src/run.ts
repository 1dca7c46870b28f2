import { simulate } from "./finality-simulation.js";

// node e2e/dist/sim/src/run.js [--seed N] [--count N] [--bls]: runs schedules; a failing seed alone runs it again.
const { values } = parse();
const first = values.seed;
let failed = 0;
const started = performance.now();
for (let seed = first; seed < first + values.count; seed++) {
  const result = simulate({ seed, bls: values.bls });
  if (result.violation === undefined && values.count > 1) continue;
  if (result.violation !== undefined) failed += 1;
  console.log(JSON.stringify({ seed, ...result }));
}
const seconds = Math.round((performance.now() - started) / 100) / 10;
console.log(`${values.count - failed} passed, ${failed} failed in ${seconds} s`);
process.exitCode = failed === 0 ? 0 : 1;

function parse(): { values: { seed: number; count: number; bls: boolean } } {
  const option = (name: string, otherwise: number): number => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? otherwise : Number(process.argv[at + 1]);
  };
  const seed = option("seed", 0);
  const count = option("count", 1);
  if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(count) || count < 1)
    throw new Error("usage: run.js [--seed N] [--count N] [--bls]");
  return { values: { seed, count, bls: process.argv.includes("--bls") } };
}
