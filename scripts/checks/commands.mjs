// Every command that a page or a comment names is there: `npm run …` with the suites of `bench` and `conformance`,
// `aios …` with its first word after it, and programs that are started with `node …`. README.md names every npm command.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const list = (...patterns) =>
  execFileSync("git", ["ls-files", "-co", "--exclude-standard", ...patterns], { encoding: "utf8" })
    .split("\n")
    .filter((file) => file !== "" && existsSync(file));
const read = (file) => readFileSync(file, "utf8");
const problems = [];

const workspaces = list("package.json", "*/package.json").map((file) => ({
  folder: dirname(file),
  ...JSON.parse(read(file)),
}));
const rootScripts = Object.keys(workspaces.find(({ folder }) => folder === ".").scripts);
const suites = {
  bench: new Set(list("*.bench.ts").map((file) => /([^/]+)\.bench\.ts$/.exec(file)[1])),
  conformance: new Set(
    [...read("apps/conformance/src/registry.ts").matchAll(/^ {2}"?([a-z-]+)"?: async/gm)].map(
      (match) => match[1],
    ),
  ),
};
const aios = aiosCommands();
for (const [what, found] of [...Object.entries(suites), ["aios", aios]])
  if ((found.size ?? 0) === 0)
    problems.push(`no ${what} commands were found: the check looks in the wrong place`);

let named = 0;
for (const file of list("*.md")) {
  const text = read(file);
  checkNpm(file, text);
  checkAios(file, text);
  checkPrograms(file, text);
}
for (const file of list("*.ts", "*.tsx", "*.mjs")) checkNpm(file, read(file));

const readme = read("README.md");
for (const script of rootScripts)
  if (!readme.includes(script === "start" || script === "test" ? `npm ${script}` : `npm run ${script}`))
    problems.push(`README.md does not name 'npm run ${script}'`);

if (problems.length > 0) {
  console.error(`Commands that are not there:\n  ${problems.join("\n  ")}`);
  process.exit(1);
}
console.log(`${named} commands that pages and comments name are there`);

function checkNpm(file, text) {
  const pattern = /\bnpm run (?:--silent )?([a-z][a-z:-]*)(?: -w (@?[\w/-]+))?(?:\s+--\s+([a-z][a-z-]*))?/g;
  for (const [command, script, workspace, argument] of text.replaceAll(/\n[ *#/]*/g, " ").matchAll(pattern)) {
    named += 1;
    if (!scriptsOf(file, workspace).includes(script)) problems.push(`${file}: '${command}'`);
    else if (argument !== undefined && suites[script]?.has(argument) === false)
      problems.push(`${file}: '${command}'`);
    else if (script === "aios" && argument !== undefined && !aios.has(argument))
      problems.push(`${file}: '${command}'`);
  }
}

/** What `npm run` finds: in the workspace that is named, else at the root or where the page lies. */
function scriptsOf(file, named) {
  const places = workspaces.filter(({ folder, name }) =>
    named === undefined
      ? folder === "." || file.startsWith(`${folder}/`)
      : folder === named || name === named,
  );
  return places.flatMap(({ scripts }) => Object.keys(scripts ?? {}));
}

/** A command of `aios` begins a line or a code span, or follows another one. */
function checkAios(file, text) {
  for (const [command, name, next] of text.matchAll(
    /(?:^\s*|`|&& |; |do )aios ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?/gm,
  )) {
    named += 1;
    const forms = aios.get(name);
    if (forms === undefined || (forms.length > 0 && next !== undefined && !forms.includes(next)))
      problems.push(`${file}: '${command.replace(/^[\s`]*/, "")}'`);
  }
}

/** The commands of `apps/cli` by name, each with the words that may follow it as its usage says. */
function aiosCommands() {
  const texts = list("apps/cli/src/commands/*.ts").map(read);
  const commands = texts.flatMap((text) => namesAt(2, text).map((name) => [name, namesAt(6, text)]));
  const names = commands.map(([name]) => name);
  return new Map([
    ...commands.map(([name, actions]) => [
      name,
      [...actions, ...texts.flatMap((text) => wordsAfter(name, text))],
    ]),
    ["help", names],
  ]);
}

/** Names of commands stand two columns in, those of their actions six. */
function namesAt(columns, text) {
  const line = new RegExp(`^ {${columns}}name: "([a-z-]+)",$`, "gm");
  return [...text.matchAll(line)].map(([, name]) => name);
}

/** `aios node <init|join>`, `aios job list` and `aios restore --from <file> | undo` name words that may follow. */
function wordsAfter(name, text) {
  const direct = [...text.matchAll(new RegExp(`aios ${name} <?([a-z-]+(?:\\|[a-z-]+)*)`, "g"))];
  const others = [...text.matchAll(new RegExp(`"aios ${name} [^"]* \\| ([a-z-]+)"`, "g"))];
  return [...direct, ...others]
    .flatMap(([, words]) => words.split("|"))
    .filter((word) => !word.startsWith("-"));
}

function checkPrograms(file, text) {
  for (const [command, program] of text.matchAll(/\bnode ((?:[\w.-]+\/)+[\w.-]+\.m?js)\b/g)) {
    named += 1;
    const source = program.replace(/(^|\/)dist\//, "$1").replace(/\.js$/, ".ts");
    if (!existsSync(source) && !existsSync(join(dirname(file), source)))
      problems.push(`${file}: '${command}'`);
  }
}
