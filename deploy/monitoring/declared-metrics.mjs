// Every metric that the code declares, with the labels that it records: what dashboards, rules and runbooks may name.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** Put there by Prometheus itself or by its scraping of a pod. */
const SCRAPED_LABELS = new Set(["le", "namespace", "pod", "persistentvolumeclaim"]);
const SUFFIX = {
  counter: ["_total"],
  histogram: ["_bucket", "_sum", "_count"],
  gauge: [""],
  "up-down-counter": [""],
};

/**
 * @returns {Promise<readonly { service: string, name: string, kind: string, description: string, unit?: string,
 *   buckets?: readonly number[], labels: readonly string[] }[]>}
 */
export async function declaredMetrics() {
  const files = sourcesWith("defineMetrics(");
  for (const file of files) {
    const built = join(root, file.replace("/src/", "/dist/src/").replace(/\.ts$/, ".js"));
    if (!existsSync(built)) throw new Error(`${built} is missing. Run: npm run build`);
    await import(pathToFileURL(built).href);
  }
  const registry = await import(pathToFileURL(join(root, "packages/service-kit/dist/src/metrics.js")).href);
  const owners = ownersByPrefix(files);
  return [...registry.declaredMetrics()].map(([name, declaration]) => {
    const { owner, prefix, folder } = owners.find((entry) => name.startsWith(entry.prefix));
    return { ...declaration, name, service: owner, labels: labelsOf(folder, name.slice(prefix.length)) };
  });
}

/** Problems of the expressions that name a metric or a label which no code declares. */
export function undeclared(expressions, declared) {
  const series = new Map(
    declared.flatMap((metric) => SUFFIX[metric.kind].map((suffix) => [`${metric.name}${suffix}`, metric])),
  );
  return expressions.flatMap(({ where, expr, recorded = new Set() }) => {
    const names = [...new Set(expr.match(/\baios_[a-z0-9_]+/g) ?? [])];
    const unknown = names.filter((name) => !series.has(name));
    const known = names.map((name) => series.get(name)).filter((metric) => metric !== undefined);
    const allowed = new Set([...SCRAPED_LABELS, ...recorded, ...known.flatMap(({ labels }) => labels)]);
    const wrong = labelsIn(expr).filter((label) => !allowed.has(label));
    return [
      ...unknown.map((name) => `${where}: no code declares ${name}`),
      ...wrong.map((label) => `${where}: no metric in it has the label ${label}`),
    ];
  });
}

function labelsIn(expr) {
  const matched = [...expr.matchAll(/\{([^}]*)\}/g)].flatMap(([, inner]) =>
    [...inner.matchAll(/([a-z_]+)\s*(?:=|!)/g)].map(([, label]) => label),
  );
  const grouped = [...expr.matchAll(/\b(?:by|on|without|ignoring)\s*\(([^)]*)\)/g)].flatMap(([, inner]) =>
    inner.split(",").map((label) => label.trim()),
  );
  return [...new Set([...matched, ...grouped])].filter((label) => label !== "");
}

function sourcesWith(text) {
  return execFileSync("git", ["grep", "--files-with-matches", "--fixed-strings", text, "--", "*/src/*.ts"], {
    cwd: root,
    encoding: "utf8",
  })
    .split("\n")
    .filter(
      (file) => file !== "" && !/\.spec\.ts$|^packages\/testkit|service-kit\/src\/metrics\.ts$/.test(file),
    );
}

function ownersByPrefix(files) {
  return files
    .map((file) => {
      const [, name] = /defineMetrics\(\s*"([\w-]+)"/.exec(readFileSync(join(root, file), "utf8"));
      // A program that is no service is known by what it measures.
      const owner = file.startsWith("packages/")
        ? "every service"
        : file.startsWith("apps/")
          ? name
          : file.split("/")[1];
      const folder = `${file.split("/").slice(0, 2).join("/")}/src`;
      return { owner, folder, prefix: `aios_${name.replaceAll("-", "_")}_` };
    })
    .sort((a, b) => b.prefix.length - a.prefix.length);
}

/** Attribute names in the calls that record the metric: `metrics.x.add(1, { kind, outcome: … })`. */
function labelsOf(folder, snake) {
  const property = snake.replace(/_([a-z0-9])/g, (_match, letter) => letter.toUpperCase());
  const found = new Set();
  for (const file of sourcesUsing(property, folder)) {
    const source = readFileSync(join(root, file), "utf8");
    for (const call of callsOf(property, source)) {
      const attributes = /\{([^{}]*)\}\s*,?\s*$/.exec(call)?.[1] ?? "";
      for (const entry of attributes.split(",")) {
        const label = /^\s*(\w+)/.exec(entry)?.[1];
        if (label !== undefined) found.add(label);
      }
    }
  }
  return [...found].sort();
}

/** What stands between the parentheses of each call that records the metric. */
function callsOf(property, source) {
  const starts = source.matchAll(new RegExp(`metrics\\s*\\.${property}\\s*\\.(?:add|record|set)\\(`, "g"));
  return [...starts].map((match) => {
    const from = match.index + match[0].length;
    let depth = 1;
    let to = from;
    for (; depth > 0 && to < source.length; to += 1) depth += { "(": 1, ")": -1 }[source[to]] ?? 0;
    return source.slice(from, to - 1);
  });
}

function sourcesUsing(property, folder) {
  try {
    return execFileSync("git", ["grep", "--files-with-matches", `metrics\\.${property}\\b`, "--", folder], {
      cwd: root,
      encoding: "utf8",
    })
      .split("\n")
      .filter((file) => file !== "");
  } catch {
    return [];
  }
}
