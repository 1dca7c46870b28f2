// What the product knows of time comes from a `Clock`, and chance from an `Rng`; where a clock is read, this list says why.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const READS_A_CLOCK = /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b|\bprocess\.hrtime\b/;
const DRAWS_BY_CHANCE = /\bMath\.random\b/;
const ALLOWED = new Map([
  ["packages/service-kit/src/system-clock.ts", "the Clock adapter of every process"],
  [
    "packages/sdk/src/machine-clock.ts",
    "the same for users, who may not depend on service-kit; callers can pass a Clock",
  ],
]);

const files = execFileSync(
  "git",
  ["ls-files", "cores/*/src/*", "packages/*/src/*", "services/*/src/*", "apps/*/src/*", "contracts/src/*"],
  { encoding: "utf8" },
)
  .split("\n")
  .filter((file) => /\.(ts|tsx|mjs)$/.test(file) && !/\.(spec|bench|integration)\.tsx?$/.test(file))
  .filter((file) => !file.startsWith("packages/testkit/"));
const problems = [];
const unused = new Set(ALLOWED.keys());
for (const file of files) {
  readFileSync(file, "utf8")
    .split("\n")
    .forEach((line, index) => {
      const code = line.replace(/\/\/.*$|^\s*\*.*$|^\s*\/\*.*$/, "");
      if (DRAWS_BY_CHANCE.test(code))
        problems.push(`${file}:${index + 1} draws by chance that cannot be repeated (take an Rng)`);
      if (!READS_A_CLOCK.test(code)) return;
      if (ALLOWED.has(file)) unused.delete(file);
      else
        problems.push(
          `${file}:${index + 1} reads the machine's clock (take a Clock, or monotonicMs for a duration)`,
        );
    });
}
for (const file of unused) problems.push(`${file} reads no clock any more: take it off the list`);
if (problems.length > 0) {
  console.error(`Time that no Clock gave, or chance that no Rng:\n  ${problems.join("\n  ")}`);
  process.exit(1);
}
console.log(`${files.length} files take time from a Clock; ${ALLOWED.size} read the machine's`);
