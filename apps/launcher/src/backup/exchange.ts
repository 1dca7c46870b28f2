import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { sync } from "./sync-tree.js";

/** A complete directory, and the place it is to take; both on one file system. */
export interface Replacement {
  readonly place: string;
  readonly staged: string;
}

/** One change of the file system, which is there whole or not at all, and what takes it back as long as that can be. */
export interface ExchangeStep {
  readonly act: () => Promise<void>;
  readonly undo?: () => Promise<void>;
}

/** `replaced`: set aside, and to be put back unless its exchange is `settled`, whose mark lies beside its last place. */
type Kind = "replaced" | "settled";
interface Aside {
  readonly id: string;
  readonly path: string;
}

const MARK = /^\.(replaced|settled)-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/**
 * What exchanges that were cut off set aside, in the order of the places: until it was put back, or another exchange
 * went through, the places are not whole. All places of an exchange are to be named, for only one has its mark.
 */
export async function cutOffAt(places: readonly string[]): Promise<readonly string[]> {
  const settled = new Set((await asides(places, "settled")).map(({ id }) => id));
  return (await asides(places, "replaced")).filter(({ id }) => !settled.has(id)).map(({ path }) => path);
}

/**
 * Puts back what an exchange had set aside that was cut off, in the order of the places: the reverse of the exchange's,
 * so that another cut leaves what was a step of it.
 */
export async function putBack(places: readonly string[]): Promise<void> {
  for (const place of places) {
    const [left] = (await cutOffAt(places)).filter((path) => isBeside(place, path));
    if (left === undefined) continue;
    await rm(place, { recursive: true, force: true });
    await renameForGood(left, place);
  }
}

/**
 * Puts directories in their places, all or none, by renames alone: where one fails, those before it are undone and its
 * error is thrown. What was there is removed only when all are in place, and with it what earlier exchanges left that
 * were cut off; after a crash it lies beside, as `<place>.replaced-<uuid>`.
 */
export async function exchange(replacements: readonly Replacement[]): Promise<void> {
  const undo: (() => Promise<void>)[] = [];
  try {
    for (const step of exchangeSteps(replacements)) {
      await step.act();
      if (step.undo === undefined) undo.length = 0;
      else undo.unshift(step.undo);
    }
  } catch (error) {
    for (const step of undo) await step();
    throw error;
  }
}

/** The steps of an exchange, in their order; it may be cut off between any two. */
export function exchangeSteps(replacements: readonly Replacement[]): readonly ExchangeStep[] {
  const id = randomUUID();
  const places = replacements.map(({ place }) => place);
  const moves = replacements.flatMap(({ place, staged }) => [
    ...(existsSync(place) ? [move(place, `${place}.replaced-${id}`)] : []),
    move(staged, place),
  ]);
  return [
    ...moves,
    { act: () => settle(places, id) },
    { act: () => remove(places, "replaced") },
    { act: () => remove(places, "settled") },
  ];
}

function move(from: string, to: string): ExchangeStep {
  return { act: () => renameForGood(from, to), undo: () => renameForGood(to, from) };
}

/** On the disk before the next step: after a loss of power the steps that are there are the first ones. */
async function renameForGood(from: string, to: string): Promise<void> {
  await rename(from, to);
  await sync(dirname(to));
  if (dirname(from) !== dirname(to)) await sync(dirname(from));
}

/** From here on what was set aside is waste. One rename says so for all places: the last one's becomes the mark. */
async function settle(places: readonly string[], id: string): Promise<void> {
  const last = places.at(-1);
  if (last === undefined) return;
  const [aside, mark] = [`${last}.replaced-${id}`, `${last}.settled-${id}`];
  if (existsSync(aside)) return renameForGood(aside, mark);
  await mkdir(mark);
  await sync(dirname(mark));
}

async function remove(places: readonly string[], kind: Kind): Promise<void> {
  for (const { path } of await asides(places, kind)) await rm(path, { recursive: true, force: true });
}

async function asides(places: readonly string[], kind: Kind): Promise<readonly Aside[]> {
  const found: Aside[] = [];
  for (const place of places) {
    const folder = dirname(place);
    if (!existsSync(folder)) continue;
    for (const other of await readdir(folder)) {
      const path = join(folder, other);
      const [, isKind, id] = isBeside(place, path) ?? [];
      if (isKind === kind && id !== undefined) found.push({ id, path });
    }
  }
  return found;
}

function isBeside(place: string, path: string): RegExpExecArray | null {
  const name = basename(place);
  const other = basename(path);
  return dirname(path) === dirname(place) && other.startsWith(name)
    ? MARK.exec(other.slice(name.length))
    : null;
}
