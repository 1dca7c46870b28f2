// cores and domain code is replayable: no clock, no randomness, no environment, no framework.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const IMPURE = [
  [/\bDate\.now\s*\(|new Date\(\s*\)|performance\.now/, "reads a clock (take a Clock)"],
  [/\bMath\.random\b|\brandomBytes\b|getRandomValues|randomUUID/, "draws randomness (take an Rng)"],
  [/\bprocess\.env\b/, "reads the environment (take a setting)"],
  [/\b(setTimeout|setInterval|setImmediate)\s*\(/, "sets a timer"],
  [/from "(@nestjs\/|@prisma\/|pg"|node:(fs|net|http|child_process))/, "imports a framework or I/O"],
];
// The one place where a core talks to a worker thread: the prover's WASM host.
const HOSTS = /^cores\/groth16\/src\/prover-thread[a-z-]*\.ts$/;

const files = execFileSync("git", ["ls-files", "cores/*/src/*.ts", "services/*/src/domain/*.ts"], {
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => file !== "" && !/\.(spec|bench)\.ts$/.test(file) && !HOSTS.test(file));
const problems = [];
for (const file of files) {
  readFileSync(file, "utf8")
    .split("\n")
    .forEach((line, index) => {
      const code = line.replace(/\/\/.*$|^\s*\*.*$|^\s*\/\*.*$/, "");
      for (const [pattern, why] of IMPURE)
        if (pattern.test(code)) problems.push(`${file}:${index + 1} ${why}`);
    });
}
if (problems.length > 0) {
  console.error(`Code that must be pure is not:\n  ${problems.join("\n  ")}`);
  process.exit(1);
}
console.log(`${files.length} files of cores and domain are pure`);
