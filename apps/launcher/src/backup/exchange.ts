import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";

/** A complete directory, and the place it is to take; both on one file system. */
export interface Replacement {
  readonly place: string;
  readonly staged: string;
}

/**
 * Puts directories in their places, all or none, by renames alone: where one fails, those before it are undone and its
 * error is thrown. What was there is removed only when all are in place; after a crash it lies beside, as
 * `<place>.replaced-<uuid>`.
 */
export async function exchange(replacements: readonly Replacement[]): Promise<void> {
  const undo: (() => Promise<void>)[] = [];
  const replaced: string[] = [];
  const move = async (from: string, to: string): Promise<void> => {
    await rename(from, to);
    undo.unshift(() => rename(to, from));
  };
  try {
    for (const { place, staged } of replacements) {
      if (existsSync(place)) {
        const before = `${place}.replaced-${randomUUID()}`;
        await move(place, before);
        replaced.push(before);
      }
      await move(staged, place);
    }
  } catch (error) {
    for (const step of undo) await step();
    throw error;
  }
  for (const before of replaced) await rm(before, { recursive: true, force: true });
}
