import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { CodedError } from "@aios/kernel/coded-error";
import { type ArchivedEntry, fileContent, isArchivePath } from "./archive.js";

/**
 * Everything below a directory, each directory before what is in it, in the order of names, with paths below `prefix`.
 * Throws `unknown-state` for what an archive cannot hold.
 */
export async function* listFiles(
  root: string,
  isLeftOut: (path: string, name: string) => boolean,
  prefix = "",
): AsyncGenerator<ArchivedEntry> {
  for (const name of (await readdir(root)).sort()) {
    const path = prefix === "" ? name : `${prefix}/${name}`;
    if (isLeftOut(path, name)) continue;
    const entry = await archived(join(root, name), path);
    yield entry;
    if (entry.kind === "directory") yield* listFiles(join(root, name), isLeftOut, path);
  }
}

/**
 * One file or directory under the path that it has in an archive. Throws `unknown-state`, for a link too: whoever wrote
 * it would choose what of the reader's is copied.
 */
export async function archived(file: string, path: string): Promise<ArchivedEntry> {
  if (!isArchivePath(path))
    throw unknownState(`${file} has a name that a backup cannot hold; the platform makes no such name.`);
  const facts = await lstat(file);
  const mode = facts.mode & 0o777;
  if (!facts.isDirectory() && !facts.isFile())
    throw unknownState(`${file} is neither a file nor a directory; the platform makes nothing else.`);
  const kind = facts.isDirectory() ? "directory" : "file";
  const sizeBytes = facts.isDirectory() ? 0 : facts.size;
  return { path, kind, mode, sizeBytes, content: fileContent(file, { kind, sizeBytes }) };
}

const unknownState = (found: string): CodedError =>
  new CodedError({
    code: "unknown-state",
    kind: "invalid",
    message: `${found} Move it out of the data directory.`,
  });
