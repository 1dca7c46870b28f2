import { randomUUID } from "node:crypto";
import { chownSync, existsSync } from "node:fs";
import { chmod, cp, mkdir, readdir, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { CodedError } from "@aios/kernel/coded-error";
import { clusterDirectory, type ServerUser, serverUser } from "@aios/service-kit/embedded-postgres-host";
import { INSTANCE_FILE } from "@aios/service-kit/local-instance";
import { processBirth } from "@aios/service-kit/process-birth";
import { InstanceFile } from "../instance.js";
import { type ArchivedEntry, type ArchiveSummary, packArchive, unpackArchive } from "./archive.js";
import { isClusterBackup } from "./cluster-archive.js";
import { cutOffAt, exchange, putBack, type Replacement } from "./exchange.js";
import { archived, listFiles } from "./listing.js";
import { openSealedFile, refuseExistingFile, writeSealedFile } from "./sealed-file.js";
import { syncTree } from "./sync-tree.js";

const CLUSTER = "postgres/cluster";
/** Says who runs, where, and what was said: nothing that a platform is made of. */
const LEFT_OUT = new Set([INSTANCE_FILE, "logs", "postgres-connection", `${CLUSTER}/postmaster.pid`]);
const LOCK_FILE = /-lock$/;

export interface BackupSummary {
  readonly createdAt: string;
  readonly files: number;
  readonly bytes: number;
}

/**
 * Writes all state of a platform on one machine into one sealed file: databases with their outboxes and events, chain,
 * contents, keys. The platform must be stopped, and cannot be started meanwhile, so that all of it is of one moment. The
 * file appears under its name only when it is whole. Throws `platform-running`, `no-state`, `file-exists`,
 * `restore-cut-off`, and `unknown-state` for what no restore would accept.
 */
export async function backUp(
  dataDir: string,
  file: string,
  passphrase: string,
  nowMs: number,
): Promise<BackupSummary> {
  if (!existsSync(join(dataDir, "genesis.json"))) throw noState(dataDir);
  refuseExistingFile(file);
  await requireWholeState(dataDir);
  return whileStopped(dataDir, nowMs, async () => {
    const createdAt = new Date(nowMs).toISOString();
    const written: BackupSummary[] = [];
    const archive = packArchive(stateOf(dataDir), createdAt, (all) => written.push(summaryOf(all)));
    await writeSealedFile(file, archive, passphrase);
    const [summary] = written;
    if (summary === undefined) throw new Error("the archive has no end");
    return summary;
  });
}

/**
 * Puts a backup's state into a directory, after all of it was read and every hash checked; what was there is replaced
 * only with `force`, and removed only when the new state is in its place; a failure before leaves it as it was. Throws
 * `directory-not-empty`, `restore-cut-off`, `platform-running`, and what opening a backup throws; then nothing is changed.
 */
export async function restore(
  file: string,
  dataDir: string,
  passphrase: string,
  { force, nowMs }: { readonly force: boolean; readonly nowMs: number },
): Promise<BackupSummary> {
  const target = resolve(dataDir);
  if (!force) {
    // What a cut-off restore set aside may be the only whole state, and this one would remove it.
    await requireWholeState(target);
    if (await hasState(target)) throw notEmpty(target);
  }
  const staging = `${target}.restoring-${randomUUID()}`;
  await mkdir(staging, { recursive: true, mode: 0o700 });
  try {
    const summary = await unpackArchive(openSealedFile(file, passphrase), staging);
    if (isClusterBackup(summary)) throw ofACluster(file);
    await whileStopped(target, nowMs, async (hold) => {
      await putBackState(target);
      // The directory that came back is another one, and nobody held it until here.
      hold();
      await replace(target, staging);
    });
    return summaryOf(summary);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/**
 * Puts back what was in a directory before a restore that was cut off; changes nothing where none was. Throws
 * `platform-running`. Returns whether there was one.
 */
export async function undoRestore(dataDir: string, nowMs: number): Promise<boolean> {
  const target = resolve(dataDir);
  if ((await leftOf(target)).length === 0) return false;
  await whileStopped(target, nowMs, () => putBackState(target));
  return true;
}

/** The directory first: the restore moved it last, and where its cluster belongs is known from what is in it. */
async function putBackState(target: string): Promise<void> {
  await putBack([target]);
  const cluster = clusterOf(target);
  if (cluster !== undefined) await putBack([target, cluster]);
}

async function replace(target: string, staging: string): Promise<void> {
  const user = serverUser();
  const cluster = clusterDirectory(join(target, "postgres"), user);
  const restored = join(staging, CLUSTER);
  await chmod(staging, (await stat(target)).mode & 0o777);
  // Where the server's user cannot enter the directory, the cluster lies elsewhere and takes its own way there.
  if (dirname(cluster) !== join(target, "postgres"))
    return replaceApart({ place: target, staged: staging }, restored, cluster, user);
  await giveTo(restored, user);
  await exchange([{ place: target, staged: staging }]);
}

/**
 * Puts a restored state in its place whose cluster belongs on what may be another file system. It is copied there under
 * another name, so that a copy that fails, as on a full disk, has touched nothing.
 */
export async function replaceApart(
  state: Replacement,
  restored: string,
  cluster: string,
  user: ServerUser,
): Promise<void> {
  const copy = `${cluster}.restoring-${randomUUID()}`;
  try {
    await cp(restored, copy, { recursive: true, preserveTimestamps: true });
    await giveTo(copy, user);
    await syncTree(copy);
    await rm(restored, { recursive: true });
    await exchange([{ place: cluster, staged: copy }, state]);
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

/**
 * Throws `restore-cut-off` where a restore was killed between its renames: a start would take half of one state for
 * whole, or make a new network where the old one's directory is missing.
 */
export async function requireWholeState(dataDir: string): Promise<void> {
  const target = resolve(dataDir);
  const left = await leftOf(target);
  if (left.length === 0) return;
  throw new CodedError({
    code: "restore-cut-off",
    kind: "conflict",
    message:
      `A restore into ${target} was cut off; what was there before lies in ${left.join(", ")}. ` +
      "Finish it: restore again with --force, which also removes that. " +
      `Or undo it, which puts that back: npm run aios -- restore undo --data-dir ${target}`,
    details: { left },
  });
}

async function leftOf(target: string): Promise<readonly string[]> {
  const cluster = clusterOf(target);
  return cutOffAt(cluster === undefined ? [target] : [target, cluster]);
}

/** Looks and makes nothing: naming a cluster's place would make the directory that it belongs to. */
function clusterOf(target: string): string | undefined {
  const postgres = join(target, "postgres");
  return existsSync(postgres) ? clusterDirectory(postgres, serverUser()) : undefined;
}

/** Holds the directory as a running platform would, so that none starts meanwhile. */
async function whileStopped<T>(
  dataDir: string,
  nowMs: number,
  work: (hold: () => void) => Promise<T>,
): Promise<T> {
  const instance = new InstanceFile(dataDir);
  const birth = processBirth(process.pid);
  const own = {
    pid: process.pid,
    ...(birth === undefined ? {} : { birth }),
    startedAt: new Date(nowMs).toISOString(),
  };
  const hold = (): void => {
    const holder = instance.claim(own);
    if (holder !== undefined) throw stillRuns(dataDir, holder.pid);
  };
  hold();
  try {
    return await work(hold);
  } finally {
    instance.release();
  }
}

async function* stateOf(dataDir: string): AsyncGenerator<ArchivedEntry> {
  yield* listFiles(dataDir, isLeftOut);
  const cluster = clusterDirectory(join(dataDir, "postgres"), serverUser());
  if (cluster === join(dataDir, CLUSTER)) return;
  yield await archived(cluster, CLUSTER);
  yield* listFiles(cluster, isLeftOut, CLUSTER);
}

function isLeftOut(path: string, name: string): boolean {
  return LEFT_OUT.has(path) || LOCK_FILE.test(name) || name.startsWith(`${INSTANCE_FILE}.`);
}

async function giveTo(path: string, { uid, gid }: ServerUser): Promise<void> {
  if (uid === undefined || gid === undefined) return;
  chownSync(path, uid, gid);
  for (const entry of await readdir(path, { withFileTypes: true, recursive: true }))
    chownSync(join(entry.parentPath, entry.name), uid, gid);
}

async function hasState(directory: string): Promise<boolean> {
  if (!existsSync(directory)) return false;
  return (await readdir(directory)).length > 0;
}

function summaryOf({ createdAt, files, bytes }: ArchiveSummary): BackupSummary {
  return { createdAt, files, bytes };
}

const noState = (dataDir: string): CodedError =>
  new CodedError({
    code: "no-state",
    kind: "not-found",
    message: `${dataDir} holds no platform's state. Name its directory with --data-dir.`,
  });

const ofACluster = (file: string): CodedError =>
  new CodedError({
    code: "other-backup",
    kind: "invalid",
    message: `${file} is a backup of a release on Kubernetes. Restore it there: aios restore kubernetes --from ${file}`,
  });

const notEmpty = (directory: string): CodedError =>
  new CodedError({
    code: "directory-not-empty",
    kind: "conflict",
    message: `${directory} is not empty. Restore elsewhere with --data-dir, or replace what is there with --force.`,
  });

const stillRuns = (dataDir: string, pid: number): CodedError =>
  new CodedError({
    code: "platform-running",
    kind: "conflict",
    message: `The platform of ${dataDir} runs (process ${pid}). Stop it first: only then is all of its state of one moment.`,
    details: { pid },
  });
