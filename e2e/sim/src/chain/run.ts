import { simulateChain } from "./chain-simulation.js";

// node e2e/dist/sim/src/chain/run.js [--seed N] [--count N]: schedules of whole nodes; a failing seed alone runs it again.
const option = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const first = option("seed", 0);
const count = option("count", 1);
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || count < 1)
  throw new Error("usage: run.js [--seed N] [--count N]");

let failed = 0;
const before = process.cpuUsage();
for (let seed = first; seed < first + count; seed++) {
  const result = simulateChain({ seed });
  if (result.violation !== undefined) failed += 1;
  if (result.violation !== undefined || count === 1)
    console.log(JSON.stringify({ seed, ...result, orders: undefined }));
}
const { user, system } = process.cpuUsage(before);
console.log(
  `${count - failed} passed, ${failed} failed in ${Math.round((user + system) / 1e5) / 10} s of processor time`,
);
process.exitCode = failed === 0 ? 0 : 1;
