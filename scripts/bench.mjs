// `npm run bench -- <suite> [--json]`: runs one benchmark; without a suite it lists them.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [suite, ...args] = process.argv.slice(2);
const suites = new Map(findSuites());

if (suite === undefined || !suites.has(suite)) {
  const known = [...suites.keys()].sort().join("\n  ");
  console.error(`usage: npm run bench -- <suite> [--json]\n\nsuites:\n  ${known}`);
  process.exit(suite === undefined ? 0 : 1);
}
const { status } = spawnSync(process.execPath, ["--expose-gc", suites.get(suite), ...args], {
  cwd: root,
  stdio: "inherit",
});
process.exit(status ?? 1);

function* findSuites() {
  const packages = ["packages", "cores", "services", "apps"].flatMap((group) =>
    readdirSync(join(root, group)).map((name) => join(root, group, name)),
  );
  for (const directory of [...packages, join(root, "contracts"), join(root, "e2e")]) {
    const benches = join(directory, "bench");
    if (!existsSync(benches)) continue;
    for (const file of readdirSync(benches)) {
      const name = file.match(/^(.+)\.bench\.ts$/)?.[1];
      if (name !== undefined) yield [name, join(directory, "dist", "bench", `${name}.bench.js`)];
    }
  }
}
