// `npm test`: the rules of the code, then every test. Ends with one line: N passed, N failed, N skipped.
// Arguments are passed to vitest, for example `npm test -- services/compute`.
import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, "node_modules", ".bin", name);
const resultDir = join(root, ".aios", "test-results");
const filters = process.argv.slice(2);

const RULES = [
  ["code style and lint", bin("biome"), ["ci", "--error-on-warnings", "."]],
  [
    "dependency rules",
    process.execPath,
    [
      "--import",
      "./scripts/checks/use-typescript-6.mjs",
      "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs",
      ...[
        "--config",
        ".dependency-cruiser.mjs",
        "packages",
        "cores",
        "contracts/src",
        "services",
        "apps",
        "e2e",
      ],
    ],
  ],
  ["protobuf lint", bin("buf"), ["lint"]],
  [
    "protobuf stays readable by older peers",
    bin("buf"),
    ["breaking", "--against", "packages/proto/baseline.binpb"],
  ],
  ["licences", process.execPath, ["scripts/checks/licences.mjs"]],
  ["pure cores and domain", process.execPath, ["scripts/checks/purity.mjs"]],
  ["a tenant in every table", process.execPath, ["scripts/checks/tenants.mjs"]],
  ["the tenant in every query", process.execPath, ["scripts/checks/tenant-queries.mjs"]],
  ["ports and their conformance suites", process.execPath, ["scripts/checks/ports.mjs"]],
  ["time from a clock, chance from a generator", process.execPath, ["scripts/checks/clocks.mjs"]],
  ["architecture matrix", process.execPath, ["scripts/checks/architecture.mjs"]],
  ["commands that pages name", process.execPath, ["scripts/checks/commands.mjs"]],
  ["dashboards, alerts and runbooks", process.execPath, ["deploy/monitoring/generate.mjs", "--check"]],
  ["charts", process.execPath, ["deploy/helm/generate.mjs", "--check"]],
];
// The end-to-end tests start whole platforms, which wait more than they work: two at a time, and nothing else beside.
const SUITES = [
  { name: "unit and integration", args: ["--project", "unit", "--project", "parts"] },
  { name: "end to end", args: ["--project", "end-to-end", "--maxWorkers", "2"] },
];
/** A runner that waits for ever, for a process that a test left behind, is ended: three times what a suite takes. */
const SUITE_LIMIT_MS = 40 * 60_000;

const total = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
const skips = [];

if (filters.length === 0) await checkRules();
const suites = filters.length === 0 ? SUITES : [{ name: "selected", args: filters }];
for (const suite of suites) runSuite(suite);

for (const name of skips) console.log(`skipped: ${name}`);
for (const name of failures) console.log(`FAILED: ${name}`);
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);

/** All rules, as many at a time as the machine has processors, told in their order. */
async function checkRules() {
  const results = new Map();
  const waiting = [...RULES];
  const work = async () => {
    for (let rule = waiting.shift(); rule !== undefined; rule = waiting.shift())
      results.set(rule, await outcomeOf(...rule));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  for (const rule of RULES) tellRule(rule[0], results.get(rule));
}

function outcomeOf(_name, file, argv) {
  return new Promise((resolve) => {
    execFile(file, argv, { cwd: root, maxBuffer: 64 * 1024 ** 2 }, (error, stdout, stderr) =>
      resolve(error === null ? undefined : `${stdout}${stderr}${error.code === 1 ? "" : error.message}`),
    );
  });
}

function tellRule(name, problem) {
  if (problem === undefined) {
    total.passed += 1;
    console.log(`ok: ${name}`);
    return;
  }
  total.failed += 1;
  failures.push(`rule: ${name}`);
  console.log(`${problem}\nFAILED: ${name}`);
}

function runSuite({ name, args }) {
  mkdirSync(resultDir, { recursive: true });
  const resultFile = join(resultDir, `${name.replaceAll(" ", "-")}.json`);
  rmSync(resultFile, { force: true });
  console.log(`\n${name}`);
  const run = spawnSync(
    bin("vitest"),
    ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${resultFile}`, ...args],
    { cwd: root, stdio: "inherit", timeout: SUITE_LIMIT_MS, killSignal: "SIGKILL" },
  );
  const isLate = run.error?.code === "ETIMEDOUT";
  const end = isLate ? `was ended after ${SUITE_LIMIT_MS / 60_000} minutes` : `ended with ${run.status}`;
  count(name, resultFile, run.status === 0 ? undefined : end);
}

/** Adds a suite's results; `failedEnd` says how its runner ended, unless it ended well. */
function count(name, resultFile, failedEnd) {
  let results;
  try {
    results = JSON.parse(readFileSync(resultFile, "utf8"));
  } catch {
    total.failed += 1;
    failures.push(`${name}: the test runner ${failedEnd ?? "ended"} and left no results`);
    return;
  }
  for (const file of results.testResults) {
    const path = file.name.replace(`${root}/`, "");
    for (const test of file.assertionResults) {
      if (test.status === "passed") total.passed += 1;
      else if (test.status === "failed") {
        total.failed += 1;
        failures.push(`${path}: ${test.fullName} (${firstLine(test.failureMessages?.[0])})`);
      } else {
        total.skipped += 1;
        skips.push(`${path}: ${test.fullName}`);
      }
    }
    if (file.status === "failed" && file.assertionResults.every((test) => test.status !== "failed")) {
      total.failed += 1;
      failures.push(`${path}: ${file.message || "could not be loaded"}`);
    }
  }
  if (failedEnd !== undefined && total.failed === 0) {
    total.failed += 1;
    failures.push(`${name}: the test runner ${failedEnd}`);
  }
}

/** The first line of a failure's message, cut where it would hide the other failures. */
function firstLine(message = "no message") {
  return message.split("\n", 1)[0].slice(0, 300);
}
