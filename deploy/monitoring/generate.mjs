// Writes Prometheus rules with their tests, Grafana dashboards and the runbooks from one source; refuses names of
// metrics and labels that no code declares. `--check` changes nothing and fails where a file differs.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { dashboards } from "./dashboards.mjs";
import { declaredMetrics, undeclared } from "./declared-metrics.mjs";
import { ruleTests } from "./rule-tests.mjs";
import { ruleGroups, runbookPage } from "./rules.mjs";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const target = join(root, "deploy", "helm", "aios", "monitoring");
const check = process.argv.includes("--check");
const declared = await declaredMetrics();
const rules = ruleGroups();
const boards = dashboards(declared);
const runbooks = runbookPage();
const problems = undeclared([...ruleExpressions(), ...boardExpressions(), ...runbookExpressions()], declared);
const yaml = (value) =>
  `# Written by deploy/monitoring/generate.mjs.\n${stringify(value, { lineWidth: 118 })}`;

put(join(target, "rules.yaml"), yaml(rules));
put(join(target, "rules.test.yaml"), yaml(ruleTests()));
for (const [file, board] of boards)
  put(join(target, "dashboards", file), `${JSON.stringify(board, null, 1)}\n`);
put(join(root, "docs", "operators", "runbooks.md"), runbooks);
if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exit(1);
}
console.log(
  `${boards.size} dashboards and ${rules.groups.flatMap((group) => group.rules).length} rules name only declared metrics`,
);

function ruleExpressions() {
  return rules.groups.flatMap(({ rules: list }) =>
    list.map(({ alert, record, expr }) => ({ where: alert ?? record, expr, recorded: new Set(["slo"]) })),
  );
}

function boardExpressions() {
  return [...boards].flatMap(([file, { panels }]) =>
    panels.flatMap(({ title, targets }) =>
      targets.map(({ expr }) => ({ where: `${file}, "${title}"`, expr, recorded: new Set(["slo"]) })),
    ),
  );
}

function runbookExpressions() {
  return [...runbooks.matchAll(/`([^`]*\baios_[^`]*)`/g)].map(([, expr]) => ({ where: "runbooks.md", expr }));
}

function put(file, content) {
  if (existsSync(file) && readFileSync(file, "utf8") === content) return;
  if (check)
    return void problems.push(
      `${relative(root, file)} is out of date: run node deploy/monitoring/generate.mjs`,
    );
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}
