// Every port has one conformance suite, and every class that implements it, fakes included, is run through that suite.
// A port is an exported interface with methods in a `domain/ports.ts` (in another file of ports, one that an adapter
// implements), or one of the platform's own in `PLATFORM_PORTS`; what a port only hands out belongs to it. The suite of `ChainNode` is `chainNodeConformance`, exported by a file of the
// same package whose name ends in `conformance.ts` (of the testkit for the platform's). A class counts as run through it
// where a test file calls that suite and names the class.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const PLATFORM_PORTS = {
  "packages/kernel/src/clock.ts": ["Clock"],
  "packages/kernel/src/random.ts": ["Rng"],
  "packages/service-kit/src/event-bus.ts": ["EventBus"],
  "packages/service-kit/src/lock.ts": ["LockManager"],
  "packages/service-kit/src/rate-limiter.ts": ["RateLimiter"],
  "cores/committee/src/election.ts": ["HonorElection"],
  "cores/honor-node/src/ordering-policy.ts": ["OrderingPolicy"],
  "cores/proving-queue/src/work-queue.ts": ["WorkQueue"],
};
const TESTKIT = "packages/testkit";
const PORTS_FILE = /^(?:services|apps)\/[^/]+\/src\/domain\/(?:[a-z-]+-)?ports\.ts$/;

const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "*.ts"], { encoding: "utf8" })
  .split("\n")
  .filter((path) => /^(services|apps|packages|cores|e2e)\//.test(path) && !path.endsWith(".d.ts"))
  .map((path) => {
    const text = readFileSync(path, "utf8");
    return { path, text, owner: path.split("/").slice(0, 2).join("/"), imports: importsOf(path, text) };
  });
const ownerOfPackage = new Map(
  execFileSync("git", ["ls-files", "*/*/package.json"], { encoding: "utf8" })
    .split("\n")
    .filter((path) => path !== "")
    .map((path) => [JSON.parse(readFileSync(path, "utf8")).name, dirname(path)]),
);

const ports = files.flatMap(portsOf);
const checked = ports.filter(isPort);
const problems = [];
for (const port of checked) checkPort(port);
if (checked.length === 0) problems.push("there is no port at all: the rule looks in the wrong place");
if (problems.length > 0) {
  console.error(`Ports and their conformance suites:\n  ${problems.join("\n  ")}`);
  process.exit(1);
}
console.log(`${checked.length} ports have their suites, and every implementation is run through them`);

function portsOf({ path, text, owner }) {
  const named = PLATFORM_PORTS[path];
  if (named === undefined && !PORTS_FILE.test(path)) return [];
  const found = interfacesOf(text);
  return found
    .filter(({ name, body }) => (named === undefined ? hasMethods(body) : named.includes(name)))
    .filter(
      ({ name }) =>
        named !== undefined ||
        !found.some((other) => other.name !== name && new RegExp(`\\b${name}\\b`).test(other.body)),
    )
    .map(({ name, parents }) => {
      const suite = `${name[0].toLowerCase()}${name.slice(1)}Conformance`;
      return { name, parents, owner, path, suite, suiteOwner: named === undefined ? owner : TESTKIT };
    });
}

/** A file of ports beside `ports.ts` also says what the application's own parts need of each other. */
function isPort(port) {
  if (!port.path.endsWith("-ports.ts")) return true;
  return implementationsOf(port).some(({ path }) => path.includes("/adapters/"));
}

function checkPort(port) {
  const { name, path, suite, suiteOwner } = port;
  const suites = files.filter(
    (file) =>
      file.owner === suiteOwner &&
      file.path.endsWith("conformance.ts") &&
      new RegExp(`export function ${suite}\\b`).test(file.text),
  );
  if (suites.length !== 1) {
    problems.push(`${path}: ${name} has ${suites.length} suites called ${suite} in ${suiteOwner}, not one`);
    return;
  }
  const runs = files.filter(
    (file) => new RegExp(`\\b${suite}\\(`).test(file.text) && importedFrom(file, suite) === suiteOwner,
  );
  if (runs.length === 0) problems.push(`${path}: ${name} has a suite that nobody runs`);
  for (const implementation of implementationsOf(port)) {
    const isRun = runs.some(({ text }) => new RegExp(`\\b${implementation.name}\\b`).test(text));
    if (!isRun)
      problems.push(`${implementation.path}: ${implementation.name} is not run through ${suite} (${path})`);
  }
}

/** Classes, functions that make one, and objects that are declared to be one; those of ports that extend this one too. */
function implementationsOf(port) {
  const names = [
    port,
    ...ports.filter((other) => other.path === port.path && other.parents.includes(port.name)),
  ];
  return files.flatMap((file) =>
    names.flatMap(({ name, owner }) => {
      if (!new RegExp(`\\b${name}\\b`).test(file.text) || importedFrom(file, name) !== owner) return [];
      return implementersIn(file.text, name).map((found) => ({ name: found, path: file.path }));
    }),
  );
}

function implementersIn(text, port) {
  const found = [];
  for (const [, isAbstract, name, list] of text.matchAll(
    /\b(abstract )?class (\w+)[^{]*?\bimplements ([^{]+)\{/g,
  )) {
    const whole = list.replaceAll(/\bPick<[^>]*>/g, "");
    if (isAbstract === undefined && new RegExp(`\\b${port}\\b`).test(whole)) found.push(name);
  }
  const made = new RegExp(`\\bexport (?:async )?function (\\w+)\\([^)]*\\): (?:Promise<)?${port}\\b`, "g");
  for (const [, name] of text.matchAll(made)) found.push(name);
  const declared = new RegExp(`\\bconst (\\w+): ${port}(?:<[^=]*>)? = \\{`, "g");
  for (const [, name] of text.matchAll(declared)) found.push(name);
  return found;
}

function interfacesOf(text) {
  const found = [];
  for (const match of text.matchAll(/^export interface (\w+)(?:<[^{]*>)?(?: extends ([^{]+))?\s*\{$/gm)) {
    const start = match.index + match[0].length;
    const end = text.indexOf("\n}", start);
    const body = text.slice(start, end).replaceAll(/\/\*\*[\s\S]*?\*\//g, "");
    found.push({ name: match[1], parents: (match[2] ?? "").split(",").map((each) => each.trim()), body });
  }
  return found;
}

function hasMethods(body) {
  return /^ {2}\w+(?:<[^>]*>)?\(/m.test(body);
}

function importsOf(path, text) {
  const found = new Map();
  for (const [, names, from] of text.matchAll(/\bimport (?:type )?\{([^}]*)\} from "([^"]+)"/g))
    for (const each of names.split(",")) {
      const name = each
        .trim()
        .replace(/^type /, "")
        .split(" as ")[0];
      if (name !== "") found.set(name, from.startsWith(".") ? normalize(join(dirname(path), from)) : from);
    }
  return found;
}

/** The package that a name of the file comes from; its own where the file does not import it. */
function importedFrom(file, name) {
  const from = file.imports.get(name);
  if (from === undefined) return file.owner;
  if (!from.startsWith("@")) return from.split("/").slice(0, 2).join("/");
  return ownerOfPackage.get(from.split("/").slice(0, 2).join("/"));
}
