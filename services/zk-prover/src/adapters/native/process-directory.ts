import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isRunning, processBirth } from "@aios/service-kit/process-birth";

/** Process id and when it began, since ids are given again. */
const NAME = /^(\d{1,10})-([\w-]*)$/;

/**
 * A directory of this process alone, below `parent`, that only its user can enter. What processes that are no more have
 * left there is removed; those of others that live stay.
 */
export async function openProcessDirectory(parent: string): Promise<string> {
  await mkdir(parent, { recursive: true, mode: 0o700 });
  for (const name of await readdir(parent)) {
    const [, pid, birth = ""] = NAME.exec(name) ?? [];
    if (pid === undefined || isRunning(Number(pid), birthIn(birth))) continue;
    await rm(join(parent, name), { recursive: true, force: true });
  }
  const directory = join(parent, nameOf(process.pid));
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return directory;
}

/** Of the directory that this process has or would have. */
export function nameOf(pid: number, birth = processBirth(pid)): string {
  return `${pid}-${Buffer.from(birth ?? "").toString("base64url")}`;
}

function birthIn(encoded: string): string | undefined {
  return encoded === "" ? undefined : Buffer.from(encoded, "base64url").toString();
}
