import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { CodedError } from "@aios/kernel/coded-error";
import { type CommandInput, type CommandOption, UsageError } from "./command.js";

/** The value of an option that the command cannot do without. */
export function required({ options }: CommandInput, name: CommandOption, usage: string): string {
  const value = options[name];
  if (value === undefined) throw new UsageError(`--${name} is missing. Usage: ${usage}.`);
  return value;
}

/** A file's bytes; refused before it is read where it has more than `most`. */
export async function readBytes(path: string, most: number): Promise<Uint8Array> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || !found.isFile())
    throw new CodedError({
      code: "file-unreadable",
      kind: "invalid",
      message: `The file ${path} cannot be read.`,
    });
  if (found.size > most) throw tooLarge(path, most);
  return new Uint8Array(await readFile(path));
}

/** Throws `file-exists`: before long work whose result could not be written. */
export async function assertAbsent(path: string): Promise<void> {
  if ((await stat(path).catch(() => undefined)) !== undefined) throw fileExists(path);
}

/** Writes a file and the folders above it. Files that exist are not overwritten: `file-exists`. */
export async function writeNew(path: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content, { flag: "wx" }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "EEXIST" ? fileExists(path) : error;
  });
}

function fileExists(path: string): CodedError {
  return new CodedError({
    code: "file-exists",
    kind: "conflict",
    message: `${path} exists already and is not overwritten.`,
  });
}

/** An answer's body, in memory; ended where it is longer than `most`. */
export async function fetchBytes(address: string, most: number): Promise<Uint8Array> {
  const response = await fetch(address, { redirect: "follow" }).catch((cause: unknown) => {
    throw new CodedError({
      code: "address-unreachable",
      kind: "unavailable",
      message: `${address} cannot be fetched.`,
      cause,
    });
  });
  if (!response.ok || response.body === null)
    throw new CodedError({
      code: "address-unreachable",
      kind: "unavailable",
      message: `${address} answered ${response.status}.`,
    });
  const chunks: Uint8Array[] = [];
  let received = 0;
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    received += chunk.length;
    if (received > most) throw tooLarge(address, most);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function tooLarge(what: string, most: number): CodedError {
  return new CodedError({
    code: "file-too-large",
    kind: "too-large",
    message: `${what} has more than ${most} bytes.`,
  });
}

export function hexText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
