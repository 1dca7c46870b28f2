import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** A complete directory, and the place it is to take; both on one file system. */
export interface Replacement {
  readonly place: string;
  readonly staged: string;
}

const REPLACED = /^\.replaced-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What an exchange that was cut off left beside the place; until another one went through, the place is not whole. */
export async function cutOffAt(place: string): Promise<readonly string[]> {
  const folder = dirname(place);
  if (!existsSync(folder)) return [];
  const name = basename(place);
  return (await readdir(folder))
    .filter((other) => other.startsWith(name) && REPLACED.test(other.slice(name.length)))
    .map((other) => join(folder, other));
}

/**
 * Puts directories in their places, all or none, by renames alone: where one fails, those before it are undone and its
 * error is thrown. What was there is removed only when all are in place, and with it what earlier exchanges left that
 * were cut off; after a crash it lies beside, as `<place>.replaced-<uuid>`.
 */
export async function exchange(replacements: readonly Replacement[]): Promise<void> {
  const undo: (() => Promise<void>)[] = [];
  const move = async (from: string, to: string): Promise<void> => {
    await rename(from, to);
    undo.unshift(() => rename(to, from));
  };
  try {
    for (const { place, staged } of replacements) {
      if (existsSync(place)) await move(place, `${place}.replaced-${randomUUID()}`);
      await move(staged, place);
    }
  } catch (error) {
    for (const step of undo) await step();
    throw error;
  }
  for (const { place } of replacements)
    for (const before of await cutOffAt(place)) await rm(before, { recursive: true, force: true });
}
