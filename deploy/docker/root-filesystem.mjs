// The files of one image: Node, the C library it needs, certificates, two users, and one service with what it imports.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative } from "node:path";

const APP = "app";
/** The user of every image; also in the charts. */
export const USER_ID = 65_532;
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";
/** Name resolution is loaded by the C library at run time, so `ldd` does not name it. */
const LOADED_AT_RUN_TIME = /^libnss_(dns|files)\.so/;
const PLATFORM = `${process.platform}-${process.arch}`;
/** As `@aztec/bb.js` names its folders. */
const BARRETENBERG_PLATFORM = `${process.arch === "x64" ? "amd64" : process.arch}-${process.platform === "darwin" ? "macos" : process.platform}`;

/**
 * Writes the root file system of an image into `out`, which is emptied first.
 * @param {{ root: string, node: string, packages: readonly object[], folders: readonly string[], out: string }} input
 */
export function writeRootFilesystem({ root, node, packages, folders, out }) {
  rmSync(out, { recursive: true, force: true });
  writeSystem(out, node);
  for (const entry of packages) {
    if (entry.local) copyWorkspace(root, entry, join(out, APP));
    else copyPackage(join(root, entry.source), join(out, APP, entry.path));
  }
  for (const folder of folders) copyTree(join(root, folder), join(out, APP, folder), () => true);
  for (const binary of nativeBinaries(join(out, APP))) copyLibraries(out, binary);
}

function writeSystem(out, node) {
  for (const folder of ["usr/local/bin", "etc/ssl/certs", "tmp", "data", APP]) {
    mkdirSync(join(out, folder), { recursive: true });
  }
  chmodSync(join(out, "tmp"), 0o1777);
  copyFileSync(node, join(out, "usr/local/bin/node"));
  chmodSync(join(out, "usr/local/bin/node"), 0o755);
  copyLibraries(out, node);
  copyFileSync(CERTIFICATES, join(out, CERTIFICATES));
  writeFileSync(join(out, "etc/passwd"), `root:x:0:0::/:/\naios:x:${USER_ID}:${USER_ID}::/data:/\n`);
  writeFileSync(join(out, "etc/group"), `root:x:0:\naios:x:${USER_ID}:\n`);
  writeFileSync(join(out, "etc/nsswitch.conf"), "hosts: files dns\n");
}

/** What a program or addon loads, which Node may not need itself: without it an addon gives way to slow code, or fails. */
function copyLibraries(out, binary) {
  for (const library of sharedLibraries(binary)) {
    if (existsSync(join(out, library))) continue;
    mkdirSync(join(out, dirname(library)), { recursive: true });
    copyFileSync(library, join(out, library));
  }
}

/** Addons and programs that packages bring for this platform; those for musl go unused beside the others. */
function nativeBinaries(app) {
  return readdirSync(app, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && (entry.name === "bb" || entry.name.endsWith(".node")))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !file.includes("musl"));
}

function sharedLibraries(binary) {
  const listed = execFileSync("ldd", [binary], { encoding: "utf8" });
  const missing = [...listed.matchAll(/(\S+) => not found/g)].map(([, library]) => library);
  if (missing.length > 0) throw new Error(`${binary} needs ${missing.join(", ")}, which this system lacks`);
  const files = [...listed.matchAll(/(\/[^\s)]+)/g)].map(([, file]) => file);
  const beside = files.flatMap((file) =>
    readdirSync(dirname(file))
      .filter((name) => LOADED_AT_RUN_TIME.test(name))
      .map((name) => join(dirname(file), name)),
  );
  return [...new Set([...files, ...beside])].sort();
}

/** A workspace lies where it lies in the repository; what it is imported by is a link, as npm makes it. */
function copyWorkspace(root, { path, source }, app) {
  copyTree(join(root, source), join(app, source), shippedOfWorkspace);
  if (path === source) return;
  mkdirSync(dirname(join(app, path)), { recursive: true });
  symlinkSync(relative(dirname(path), source), join(app, path));
}

const WORKSPACE_FOLDERS = new Set(["dist", "prisma", "wasm", "genesis", "openapi.json", "package.json"]);

function shippedOfWorkspace(file) {
  const [top, second] = file.split("/");
  if (!WORKSPACE_FOLDERS.has(top)) return false;
  if (top === "dist" && (second === "test" || second === "bench")) return false;
  return !/\.(spec|bench|integration)\.js$|\.d\.ts$|\.map$|\.tsbuildinfo$|\.tsx?$|schema\.prisma$/.test(file);
}

/** Prisma's query compilers for databases that no service speaks to. */
const OTHER_DATABASES = /(^|\/)query_compiler_\w+\.(cockroachdb|mysql|sqlite|sqlserver)\./;

function copyPackage(from, to) {
  copyTree(from, to, shippedOfPackage);
}

/** Declarations, sources, tests and binaries for other machines are two thirds of most packages. */
function shippedOfPackage(file) {
  if (/(^|\/)node_modules(\/|$)/.test(file)) return false;
  if (/\.(d\.[cm]?ts|map|tsbuildinfo|flow|markdown|ts|tsx|cc|c|h|gyp|gypi)$/.test(file)) return false;
  if (/\.md$/i.test(file)) return false;
  if (/^(test|tests|__tests__|docs|example|examples|benchmark|benchmarks|\.github)(\/|$)/.test(file))
    return false;
  if (OTHER_DATABASES.test(file)) return false;
  const prebuilt = /(^|\/)prebuilds\/([^/]+)(\/|$)/.exec(file);
  const built = /^build\/((?:amd64|arm64)-(?:linux|macos))(\/|$)/.exec(file);
  return (
    (prebuilt === null || prebuilt[2] === PLATFORM) && (built === null || built[1] === BARRETENBERG_PLATFORM)
  );
}

function copyTree(from, to, isShipped) {
  if (!existsSync(from)) throw new Error(`${from} is missing. Run: npm run build`);
  cpSync(from, to, {
    recursive: true,
    dereference: true,
    filter: (source) => {
      const file = relative(from, source);
      if (file === "") return true;
      if (basename(source) === ".turbo") return false;
      return isShipped(file);
    },
  });
}
