import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { chmod, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { CodedError } from "@aios/kernel/coded-error";
import { ByteReader, damaged } from "./sealed-stream.js";

/** One thing in a backup, by its path below the data directory. */
export interface ArchiveEntry {
  readonly path: string;
  readonly kind: "file" | "directory";
  readonly mode: number;
  readonly sizeBytes: number;
}

/** An entry with what is in it, to be read once; nothing for a directory. */
export interface ArchivedEntry extends ArchiveEntry {
  readonly content: AsyncIterable<Buffer>;
}

export interface ManifestEntry extends ArchiveEntry {
  /** Of the content; empty for a directory. */
  readonly sha256: string;
}

export interface BackupManifest {
  readonly format: 1;
  readonly createdAt: string;
  readonly entries: readonly ManifestEntry[];
}

/** Of an entry's head and of the manifest: what is read is bounded, so what is written is as well. */
const LARGEST_RECORD_BYTES = { e: 64 * 1024, m: 256 * 1024 ** 2 } as const;
const PIECE_BYTES = 64 * 1024;
/** Relative, no step up, no odd characters: what this program itself keeps. */
const SAFE_PATH = /^(?!.*(?:^|\/)\.\.?(?:\/|$))[A-Za-z0-9._@=+-]+(?:\/[A-Za-z0-9._@=+-]+)*$/;

/** Whether an archive may hold a path, relative to the data directory. */
export const isArchivePath = (path: string): boolean => SAFE_PATH.test(path);

/** What is in a file, opened when its turn comes; no more than the entry says, as of a file that grows meanwhile. */
export async function* fileContent(
  file: string,
  { kind, sizeBytes }: Pick<ArchiveEntry, "kind" | "sizeBytes">,
): AsyncGenerator<Buffer> {
  if (kind === "directory" || sizeBytes === 0) return;
  yield* createReadStream(file, { end: sizeBytes - 1 }) as AsyncIterable<Buffer>;
}

/** An entry of bytes that are in memory. */
export function bytesEntry(path: string, bytes: Buffer): ArchivedEntry {
  return { path, kind: "file", mode: 0o600, sizeBytes: bytes.length, content: once(bytes) };
}

/** Entries with their contents, one after the other, and a manifest with every hash at the end. */
export async function* packArchive(
  entries: AsyncIterable<ArchivedEntry> | Iterable<ArchivedEntry>,
  createdAt: string,
): AsyncGenerator<Buffer> {
  const manifest: ManifestEntry[] = [];
  for await (const { path, kind, mode, sizeBytes, content } of entries) {
    const entry: ArchiveEntry = { path, kind, mode, sizeBytes };
    yield record("e", entry);
    const hash = createHash("sha256");
    let read = 0;
    for await (const piece of content) {
      hash.update(piece);
      read += piece.length;
      yield piece;
    }
    if (read !== entry.sizeBytes) throw new Error(`${entry.path} became shorter while it was read`);
    manifest.push({ ...entry, sha256: sha256Of(entry, hash.digest("hex")) });
  }
  yield record("m", { format: 1, createdAt, entries: manifest } satisfies BackupManifest);
}

/**
 * An archive's entries in their order; what of a content is not read is read over. The end of the iteration says that
 * everything was there and every hash right; `onManifest` is told just before. Throws `backup-damaged` for what does not
 * fit, whatever it is.
 */
export async function* readArchive(
  archive: AsyncIterable<Buffer>,
  onManifest: (manifest: BackupManifest) => void = () => undefined,
): AsyncGenerator<ArchivedEntry> {
  const reader = new ByteReader(archive);
  const found: ManifestEntry[] = [];
  for (;;) {
    const { kind, value } = await readRecord(reader);
    if (kind === "m") {
      const manifest = value as BackupManifest;
      if (manifest.format !== 1 || JSON.stringify(manifest.entries) !== JSON.stringify(found))
        throw damaged();
      // The end of the sealed stream is what says that nothing follows.
      if ((await reader.upTo(1)).length > 0) throw damaged();
      onManifest(manifest);
      return;
    }
    const entry = entryOf(value);
    const hash = createHash("sha256");
    const content = contentOf(reader, entry, (piece) => hash.update(piece));
    yield { ...entry, content };
    // Whoever left its loop early has closed that generator; the rest is read here.
    for await (const _piece of content.rest());
    found.push({ ...entry, sha256: sha256Of(entry, hash.digest("hex")) });
  }
}

/**
 * Writes an archive's entries below a directory that is empty, checks each against the manifest, and answers it. Throws
 * what `readArchive` throws.
 */
export async function unpackArchive(
  archive: AsyncIterable<Buffer>,
  directory: string,
): Promise<BackupManifest> {
  let manifest: BackupManifest | undefined;
  const entries = readArchive(archive, (read) => {
    manifest = read;
  });
  for await (const entry of entries) await unpackEntry(entry, directory);
  if (manifest === undefined) throw damaged();
  return manifest;
}

async function unpackEntry({ path, kind, mode, content }: ArchivedEntry, directory: string): Promise<void> {
  const target = join(directory, path);
  if (kind === "directory") {
    await mkdir(target, { recursive: true, mode: 0o700 });
    return chmod(target, mode);
  }
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  await pipeline(content, createWriteStream(target, { mode, flags: "wx" }));
}

interface Content extends AsyncIterable<Buffer> {
  /** What of it has not been read. */
  rest(): AsyncIterable<Buffer>;
}

function contentOf(reader: ByteReader, { sizeBytes }: ArchiveEntry, see: (piece: Buffer) => void): Content {
  let missing = sizeBytes;
  async function* rest(): AsyncGenerator<Buffer> {
    while (missing > 0) {
      const piece = await reader.upTo(Math.min(missing, PIECE_BYTES));
      if (piece.length === 0) throw damaged();
      missing -= piece.length;
      see(piece);
      yield piece;
    }
  }
  return { rest, [Symbol.asyncIterator]: rest };
}

function record(kind: "e" | "m", value: object): Buffer {
  const text = Buffer.from(JSON.stringify(value));
  if (text.length > LARGEST_RECORD_BYTES[kind]) throw tooLarge();
  const head = Buffer.alloc(5);
  head.write(kind, 0, "latin1");
  head.writeUInt32BE(text.length, 1);
  return Buffer.concat([head, text]);
}

async function readRecord(
  reader: ByteReader,
): Promise<{ readonly kind: "e" | "m"; readonly value: unknown }> {
  const head = await reader.upTo(5);
  if (head.length < 5) throw damaged();
  const kind = head.toString("latin1", 0, 1);
  const length = head.readUInt32BE(1);
  if (kind !== "e" && kind !== "m") throw damaged();
  if (length > LARGEST_RECORD_BYTES[kind]) throw damaged();
  const text = await reader.upTo(length);
  if (text.length < length) throw damaged();
  try {
    return { kind, value: JSON.parse(text.toString()) as unknown };
  } catch {
    throw damaged();
  }
}

function entryOf(value: unknown): ArchiveEntry {
  const { path, kind, mode, sizeBytes } = value as Partial<ArchiveEntry>;
  const fits =
    typeof path === "string" &&
    isArchivePath(path) &&
    (kind === "file" || kind === "directory") &&
    Number.isInteger(mode) &&
    Number.isSafeInteger(sizeBytes) &&
    (sizeBytes ?? -1) >= 0 &&
    (kind === "file" || sizeBytes === 0);
  if (!fits) throw damaged();
  return { path, kind, mode: (mode as number) & 0o777, sizeBytes: sizeBytes as number };
}

const sha256Of = ({ kind }: ArchiveEntry, hash: string): string => (kind === "file" ? hash : "");

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

const tooLarge = (): CodedError =>
  new CodedError({
    code: "backup-too-large",
    kind: "too-large",
    message: `There are more files than a backup can name: its list may have ${LARGEST_RECORD_BYTES.m} bytes.`,
  });
