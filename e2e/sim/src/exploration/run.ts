import { type Exploration, explore } from "./explore.js";

// node e2e/dist/sim/src/exploration/run.js [--rounds N] [--crashes N] [--states N] [--depth N]: explores with each node that
// makes a difference as the Byzantine one.
const option = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const rounds = option("rounds", 2);
const limits = {
  maxCrashes: option("crashes", 1),
  maxStates: option("states", 1_000_000),
  maxDepth: option("depth", 100),
};
if (
  ![rounds, ...Object.values(limits)].every((value) => Number.isSafeInteger(value) && value >= 0) ||
  rounds < 1
)
  throw new Error("usage: run.js [--rounds N] [--crashes N] [--states N] [--depth N]");

let failed = 0;
// Node r leads round r of height 4; a Byzantine node without a turn is the last case.
const cases = Math.min(rounds + 1, 4);
for (let byzantine = 0; byzantine < cases; byzantine++) {
  const before = process.cpuUsage();
  const found: Exploration = explore({ height: 4, byzantine, lastRound: rounds - 1, ...limits });
  const { user, system } = process.cpuUsage(before);
  if (found.violation !== undefined) failed += 1;
  console.log(
    JSON.stringify({ byzantine, rounds, ...found, cpuSeconds: Math.round((user + system) / 1e5) / 10 }),
  );
}
console.log(`${cases - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
