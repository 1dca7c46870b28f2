import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { CodedError } from "@aios/kernel/coded-error";
import { packArchive, unpackArchive } from "@aios/launcher/backup/archive";
import { listFiles } from "@aios/launcher/backup/listing";
import { sync } from "@aios/launcher/backup/sync-tree";

const STAGED = ".aios-restoring";
const REPLACED = ".aios-replaced";
/** Of the file system itself. */
const FOREIGN = new Set(["lost+found"]);
/** Says who held the files open, who is stopped now. */
const LOCK_FILE = /-lock$|^postmaster\.pid$/;

/** All files of a claim whose writer is stopped, as an archive of its own. Throws `volume-cut-off`, `unknown-state`. */
export async function* packVolume(directory: string, createdAt: string): AsyncGenerator<Buffer> {
  if ((await readdir(directory)).includes(REPLACED)) throw cutOff();
  const isLeftOut = (path: string, name: string): boolean =>
    FOREIGN.has(path) || path === STAGED || LOCK_FILE.test(name);
  yield* packArchive(listFiles(directory, isLeftOut), createdAt);
}

/**
 * Unpacks an archive beside what is in a claim and checks every hash. Nothing is changed before `settleVolume`, and a
 * failure leaves nothing. Throws `target-not-empty`, `disk-full`, and what opening an archive throws.
 */
export async function stageVolume(
  directory: string,
  archive: AsyncIterable<Buffer>,
  { replace }: { readonly replace: boolean },
): Promise<void> {
  if (!replace && (await contents(directory)).length > 0) throw notEmpty();
  await discardVolume(directory);
  const staged = join(directory, STAGED);
  await mkdir(staged, { mode: 0o700 });
  try {
    await unpackArchive(archive, staged);
  } catch (error) {
    await discardVolume(directory);
    throw (error as NodeJS.ErrnoException).code === "ENOSPC" ? diskFull(error) : error;
  }
}

/**
 * Puts what was staged in the place of what is there, by renames; only then is that removed. One that is cut off leaves
 * a mark that `packVolume` refuses; staging and settling again finishes it.
 */
export async function settleVolume(directory: string): Promise<void> {
  const [staged, replaced] = [join(directory, STAGED), join(directory, REPLACED)];
  const there = await contents(directory);
  const coming = await readdir(staged);
  await rm(replaced, { recursive: true, force: true });
  await mkdir(replaced, { mode: 0o700 });
  for (const name of there.filter((each) => each !== REPLACED))
    await rename(join(directory, name), join(replaced, name));
  for (const name of coming) await rename(join(staged, name), join(directory, name));
  // Only what is on the disk in its place makes waste of what was there.
  await sync(directory);
  await rm(staged, { recursive: true });
  await rm(replaced, { recursive: true });
}

/** Removes what was staged and not settled. */
export async function discardVolume(directory: string): Promise<void> {
  await rm(join(directory, STAGED), { recursive: true, force: true });
}

async function contents(directory: string): Promise<readonly string[]> {
  return (await readdir(directory)).filter((name) => !FOREIGN.has(name) && name !== STAGED);
}

const notEmpty = (): CodedError =>
  new CodedError({
    code: "target-not-empty",
    kind: "conflict",
    message: "The volume is not empty. Restore into an empty one, or replace what is there with --replace.",
  });

const diskFull = (cause: unknown): CodedError =>
  new CodedError({
    code: "disk-full",
    kind: "unavailable",
    message:
      "The volume has no room for the backup beside what is there; nothing was changed. Give it a larger disk.",
    cause,
  });

const cutOff = (): CodedError =>
  new CodedError({
    code: "volume-cut-off",
    kind: "conflict",
    message:
      "A restore of this volume was cut off: restore again with --replace before anything is backed up.",
  });
