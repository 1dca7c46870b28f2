import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { differ } from "./differ.js";
import { generateScenario } from "./generate-scenario.js";
import type { Scenario } from "./scenario.js";
import { shrink } from "./shrink.js";

/** In the sources, where the tests replay it. */
const CORPUS = fileURLToPath(new URL("../../../test/fuzz/corpus/", import.meta.url));
const PROGRESS_CASES = 1_000;

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "1000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
  },
});
const cases = Number(values.cases);
const seed = Number(values.seed);
if (!Number.isSafeInteger(cases) || cases < 1 || !Number.isSafeInteger(seed) || seed < 0) {
  console.error("usage: npm run fuzz -- [--cases <count>] [--seed <number>]");
  process.exit(2);
}

async function describe(scenario: Scenario): Promise<string | undefined> {
  try {
    return await differ(scenario);
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

console.log(`seed ${seed}, ${cases} cases`);
let failed = 0;
for (let i = 0; i < cases; i++) {
  const scenario = generateScenario(seed + i);
  const difference = await describe(scenario);
  if ((i + 1) % PROGRESS_CASES === 0) console.log(`${i + 1} cases, ${failed} differ`);
  if (difference === undefined) continue;
  failed++;
  const smallest = await shrink(scenario, async (candidate) => (await describe(candidate)) !== undefined);
  const file = join(CORPUS, `seed-${seed + i}.json`);
  writeFileSync(file, `${JSON.stringify(smallest, undefined, 2)}\n`);
  console.log(
    `DIFFERS: seed ${seed + i}: ${difference}\n  smallest, ${await describe(smallest)}\n  kept in ${file}`,
  );
}
console.log(`${cases - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
