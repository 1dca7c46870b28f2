import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Bytes32 } from "@aios/kernel/identifiers";

/** A file of the folder that is missing or is not what it has to be. */
export class ChainFileError extends Error {
  constructor(
    readonly file: string,
    what: string,
    options?: ErrorOptions,
  ) {
    super(`${file}: ${what}`, options);
    this.name = "ChainFileError";
  }
}

/** Throws `ChainFileError` where there is no such file. */
export async function readBytes(folder: string, file: string): Promise<Uint8Array> {
  try {
    return await readFile(join(folder, file));
  } catch (cause) {
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    throw new ChainFileError(file, isMissing ? "is missing" : "cannot be read", { cause });
  }
}

/** Throws `ChainFileError` where there is no such file, or no JSON in it. */
export async function readJson(folder: string, file: string): Promise<unknown> {
  const text = new TextDecoder().decode(await readBytes(folder, file));
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ChainFileError(file, "is not JSON", { cause });
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What the consensus layer said last of the chain. */
export interface ForkChoice {
  readonly head: Bytes32;
  /** `undefined`: none yet, which the message says by a hash of zeros. */
  readonly safe: Bytes32 | undefined;
  readonly finalized: Bytes32 | undefined;
}

const FORK_CHOICE_FILE = "headfcu.json";
const NO_HASH = `0x${"00".repeat(32)}`;

/** The first parameter of an `engine_forkchoiceUpdated` request. Throws `ChainFileError`. */
export function forkChoiceOf(json: unknown): ForkChoice {
  const params = isRecord(json) ? json["params"] : undefined;
  const state: unknown = Array.isArray(params) ? params[0] : undefined;
  if (!isRecord(state))
    throw new ChainFileError(FORK_CHOICE_FILE, "params[0] has to be the state of the fork choice");
  const hash = (field: string): Bytes32 => {
    const value = state[field];
    if (typeof value !== "string" || !/^0x[0-9a-fA-F]{64}$/.test(value))
      throw new ChainFileError(FORK_CHOICE_FILE, `params[0].${field} has to be a hash of 32 bytes`);
    return value.toLowerCase() as Bytes32;
  };
  const orNone = (field: string): Bytes32 | undefined => {
    const found = hash(field);
    return found === NO_HASH ? undefined : found;
  };
  return {
    head: hash("headBlockHash"),
    safe: orNone("safeBlockHash"),
    finalized: orNone("finalizedBlockHash"),
  };
}

/** Reads `headfcu.json`. */
export async function readForkChoice(folder: string): Promise<ForkChoice> {
  return forkChoiceOf(await readJson(folder, FORK_CHOICE_FILE));
}
