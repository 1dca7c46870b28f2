// Who calls whom and who listens to whom, read from the code: `--write` puts the tables into docs/ARCHITECTURE.md,
// without it the page must already say the same. A caller that the called service does not allow is an error, and so is a
// file that the page names and that is not there.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const page = join(root, "docs", "ARCHITECTURE.md");
const BEGIN = "<!-- matrix:begin -->";
const END = "<!-- matrix:end -->";
/** Methods that anyone may call prove the caller's key themselves: that is how a provider comes in. */
const STRANGERS = new Set(["provider"]);

const KIT = "packages/service-kit/src/";
const files = execFileSync(
  "git",
  ["ls-files", "services/*/src/*.ts", "apps/*/src/*.ts", `${KIT}*.controller.ts`],
  {
    cwd: root,
    encoding: "utf8",
  },
)
  .split("\n")
  .filter((file) => file !== "" && !/\.(spec|bench)\.ts$/.test(file))
  .map((file) => ({
    owner: file.startsWith(KIT) ? "every service" : file.split("/")[1],
    text: readFileSync(join(root, file), "utf8"),
  }));

const topicNames = readTopicNames();
const methods = readMethods();
const clients = readClients();
const emitted = readTopicUse(/outbox\s*\.add\(\s*\w+,\s*topics\.(\w+)/g);
const heard = readTopicUse(/@(?:EventPattern|OnEvents?)(?:<[^>]*>)?\(\s*topics\.(\w+)/g);

const problems = clients
  .filter(
    ({ caller, service }) =>
      !methods.some((method) => method.service === service && method.callers.has(caller)),
  )
  .map(({ caller, service }) => `${caller} has a client of ${service}, which lets it call nothing`);
for (const topic of heard.keys())
  if (!emitted.has(topic)) problems.push(`nobody publishes ${topicNames.get(topic) ?? topic}`);

const text = readFileSync(page, "utf8");
for (const [, path] of text.matchAll(/`((?:apps|contracts|cores|e2e|packages|scripts|services)\/[^`* ]+)`/g))
  if (!existsSync(join(root, path))) problems.push(`docs/ARCHITECTURE.md names ${path}, which is not there`);
const wanted = `${text.slice(0, text.indexOf(BEGIN) + BEGIN.length)}\n${tables()}\n${text.slice(text.indexOf(END))}`;
if (process.argv.includes("--write")) writeFileSync(page, wanted);
else if (wanted !== text)
  problems.push("docs/ARCHITECTURE.md is out of date: run node scripts/checks/architecture.mjs --write");
if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exit(1);
}
console.log(`${methods.length} methods and ${topicNames.size} topics match docs/ARCHITECTURE.md`);

function readTopicNames() {
  const source = readFileSync(join(root, "packages/proto/src/topics.ts"), "utf8");
  return new Map([...source.matchAll(/(\w+): topic\(\s*"([^"]+)"/g)].map(([, key, name]) => [key, name]));
}

/** Methods of the gRPC controllers with the callers their own decorator, or their class's, allows. */
function readMethods() {
  const found = [];
  for (const { owner, text: source } of files) {
    const [head] = source.split(/export class /);
    const ofClass = head.includes("@AllowAnonymous(")
      ? STRANGERS
      : namesIn(head.match(/@AllowCallers\(([^)]*)\)/g)?.at(-1));
    for (const match of source.matchAll(/((?:@\w+(?:<[^>]*>)?\([^)]*\)\s*)+)(?:async\s+)?\w+\(/g)) {
      const grpc = match[1].match(/@Grpc(?:Method|StreamMethod|StreamCall)\(\s*"(\w+)",\s*"(\w+)"/);
      if (grpc === null) continue;
      const own = match[1].match(/@AllowCallers\([^)]*\)/g)?.at(-1);
      found.push({
        owner,
        service: grpc[1],
        name: grpc[2],
        callers: match[1].includes("@AllowAnonymous(")
          ? STRANGERS
          : own === undefined
            ? ofClass
            : namesIn(own),
      });
    }
  }
  return found;
}

function namesIn(decorator) {
  return new Set([...(decorator ?? "").matchAll(/"([\w-]+)"/g)].map(([, name]) => name));
}

/** Service definitions imported by a process that does not serve them. */
function readClients() {
  const used = new Map();
  for (const { owner, text: source } of files) {
    for (const [, definition] of source.matchAll(/\b(\w+Service)Service\b/g)) {
      if (methods.some((method) => method.service === definition && method.owner === owner)) continue;
      used.set(`${owner} ${definition}`, { caller: owner, service: definition });
    }
  }
  return [...used.values()];
}

function readTopicUse(pattern) {
  const use = new Map();
  for (const { owner, text: source } of files) {
    for (const [, key] of source.matchAll(pattern)) use.set(key, (use.get(key) ?? new Set()).add(owner));
  }
  return use;
}

function tables() {
  const services = [...new Set(methods.map((method) => `${method.owner}\t${method.service}`))].sort();
  const calls = services.map((entry) => {
    const [owner, service] = entry.split("\t");
    const own = methods.filter((method) => method.owner === owner && method.service === service);
    const callers = [...new Set(own.flatMap((method) => [...method.callers]))].sort();
    const rows = callers.map(
      (caller) =>
        `${caller}: ${own
          .filter((method) => method.callers.has(caller))
          .map((method) => method.name)
          .sort()
          .join(", ")}`,
    );
    return `| ${owner} | \`${service}\` | ${rows.join("<br>")} |`;
  });
  const events = [...topicNames]
    .sort((a, b) => a[1].localeCompare(b[1]))
    .map(([key, name]) => {
      const list = (use) => [...(use.get(key) ?? [])].sort().join(", ") || "–";
      return `| \`${name}\` | ${list(emitted)} | ${list(heard)} |`;
    });
  return [
    "",
    "| process | gRPC service | who may call what |",
    "|---|---|---|",
    ...calls,
    "",
    "| event | published by | heard by |",
    "|---|---|---|",
    ...events,
    "",
  ].join("\n");
}
