import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { relative, resolve } from "node:path";
import { loadSuite, suiteNames } from "./registry.js";
import { runFiles } from "./run-files.js";
import { Tally } from "./tally.js";
import { vectorFiles } from "./vector-files.js";

const MAX_WORKERS = 2;
const SILENCE_LIMIT_MS = 10 * 60_000;
const USAGE_EXIT_CODE = 2;

process.exitCode = await main(process.argv.slice(2));

async function main([name, path, ...rest]: readonly string[]): Promise<number> {
  if (name === undefined || path === undefined || rest.length > 0)
    return refuse("one suite and one path are needed");
  const suite = await loadSuite(name);
  if (suite === undefined) return refuse(`there is no suite '${name}'`);
  // npm starts this in the root of the repository; paths are meant from where the user stands.
  const base = resolve(process.env["INIT_CWD"] ?? process.cwd(), path);
  if (!existsSync(base)) return refuse(`there is nothing at ${base}`);
  const tally = new Tally((line) => console.log(line));
  await runFiles({
    suite: name,
    files: vectorFiles(base, suite),
    workers: Math.min(MAX_WORKERS, availableParallelism()),
    silenceLimitMs: SILENCE_LIMIT_MS,
    onCase: (file, result) => tally.add(relative(base, file) || path, result),
  });
  return tally.close();
}

async function refuse(why: string): Promise<number> {
  console.error(`conformance: ${why}.\n\nusage: npm run conformance -- <suite> <file or folder>\n\nsuites:`);
  for (const name of suiteNames())
    console.error(`  ${name.padEnd(14)}${(await loadSuite(name))?.describe ?? ""}`);
  return USAGE_EXIT_CODE;
}
