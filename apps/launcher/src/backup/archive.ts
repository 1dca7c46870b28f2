import { createHash } from "node:crypto";
import { constants, createWriteStream } from "node:fs";
import { chmod, mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { CodedError } from "@aios/kernel/coded-error";
import { ByteReader, damaged } from "./sealed-stream.js";
import { syncTree } from "./sync-tree.js";

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

/** What was in an archive of which every hash was right. */
export interface ArchiveSummary {
  readonly createdAt: string;
  readonly files: number;
  /** Of all contents. */
  readonly bytes: number;
  /** Tells what kind of state it is; absent where nothing is in it. */
  readonly firstPath: string | undefined;
}

/** Of an entry's head and of the end: what is read is bounded, so what is written is as well. */
const LARGEST_RECORD_BYTES = { e: 64 * 1024, m: 256 * 1024 ** 2 } as const;
/** Format 2 ends with the hash of what format 1 repeats there: neither is ever in memory as a whole. */
const FORMAT = 2;
const LARGEST_END_BYTES = 1_024;
const PIECE_BYTES = 64 * 1024;
/** Relative, no step up, no odd characters: what this program itself keeps. */
const SAFE_PATH = /^(?!.*(?:^|\/)\.\.?(?:\/|$))[A-Za-z0-9._@=+-]+(?:\/[A-Za-z0-9._@=+-]+)*$/;

/** Whether an archive may hold a path, relative to the data directory. */
export const isArchivePath = (path: string): boolean => SAFE_PATH.test(path);

/**
 * What is in a file, opened when its turn comes, and never what a link leads to that took its place; no more than the
 * entry says, as of a file that grows meanwhile.
 */
export async function* fileContent(
  file: string,
  { kind, sizeBytes }: Pick<ArchiveEntry, "kind" | "sizeBytes">,
): AsyncGenerator<Buffer> {
  if (kind === "directory" || sizeBytes === 0) return;
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    yield* handle.createReadStream({ end: sizeBytes - 1, autoClose: false }) as AsyncIterable<Buffer>;
  } finally {
    await handle.close();
  }
}

/** An entry of bytes that are in memory. */
export function bytesEntry(path: string, bytes: Buffer): ArchivedEntry {
  return { path, kind: "file", mode: 0o600, sizeBytes: bytes.length, content: once(bytes) };
}

/** Entries with their contents, one after the other, and at the end what shows that none is missing; `onEnd` is told it. */
export async function* packArchive(
  entries: AsyncIterable<ArchivedEntry> | Iterable<ArchivedEntry>,
  createdAt: string,
  onEnd: (summary: ArchiveSummary) => void = () => undefined,
): AsyncGenerator<Buffer> {
  const ledger = new Ledger();
  for await (const { path, kind, mode, sizeBytes, content } of entries) {
    const entry: ArchiveEntry = { path, kind, mode, sizeBytes };
    yield entryRecord(entry);
    const hash = createHash("sha256");
    let read = 0;
    for await (const piece of content) {
      hash.update(piece);
      read += piece.length;
      yield piece;
    }
    if (read !== entry.sizeBytes) throw new Error(`${entry.path} became shorter while it was read`);
    ledger.add(entry, hash.digest("hex"));
  }
  yield record("m", JSON.stringify({ format: FORMAT, createdAt, sha256: ledger.sha256() }));
  onEnd(ledger.summary(createdAt));
}

/**
 * An archive's entries in their order; what of a content is not read is read over. The end of the iteration says that
 * everything was there and every hash right; `onEnd` is told just before. Reads format 1 as well. Throws
 * `backup-damaged` for what does not fit, whatever it is.
 */
export async function* readArchive(
  archive: AsyncIterable<Buffer>,
  onEnd: (summary: ArchiveSummary) => void = () => undefined,
): AsyncGenerator<ArchivedEntry> {
  const reader = new ByteReader(archive);
  const ledger = new Ledger();
  for (;;) {
    const { kind, length } = await readHead(reader);
    if (kind === "m") {
      const { createdAt, sha256 } = await readEnd(reader, length);
      // The end of the sealed stream is what says that nothing follows.
      if (sha256 !== ledger.sha256() || (await reader.upTo(1)).length > 0) throw damaged();
      onEnd(ledger.summary(createdAt));
      return;
    }
    const entry = entryOf(parsed(await exactly(reader, length)));
    const hash = createHash("sha256");
    const content = contentOf(reader, entry, (piece) => hash.update(piece));
    yield { ...entry, content };
    // Whoever left its loop early has closed that generator; the rest is read here.
    for await (const _piece of content.rest());
    ledger.add(entry, hash.digest("hex"));
  }
}

/** Counts entries, and hashes what format 1 lists of them: head and hash of each, as JSON with commas between. */
class Ledger {
  readonly #hash = createHash("sha256");
  #files = 0;
  #bytes = 0;
  #firstPath: string | undefined;

  add(entry: ArchiveEntry, contentSha256: string): void {
    const sha256 = entry.kind === "file" ? contentSha256 : "";
    this.#hash.update(`${this.#firstPath === undefined ? "" : ","}${JSON.stringify({ ...entry, sha256 })}`);
    this.#firstPath ??= entry.path;
    this.#files += entry.kind === "file" ? 1 : 0;
    this.#bytes += entry.sizeBytes;
  }

  sha256(): string {
    return this.#hash.copy().digest("hex");
  }

  summary(createdAt: string): ArchiveSummary {
    return { createdAt, files: this.#files, bytes: this.#bytes, firstPath: this.#firstPath };
  }
}

/**
 * Writes an archive's entries below a directory that is empty, checks that all of it is there, and answers what it was;
 * then it is on disk. Throws what `readArchive` throws.
 */
export async function unpackArchive(
  archive: AsyncIterable<Buffer>,
  directory: string,
): Promise<ArchiveSummary> {
  let summary: ArchiveSummary | undefined;
  const entries = readArchive(archive, (read) => {
    summary = read;
  });
  for await (const entry of entries) await unpackEntry(entry, directory);
  if (summary === undefined) throw damaged();
  await syncTree(directory);
  return summary;
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

function entryRecord(entry: ArchiveEntry): Buffer {
  const text = JSON.stringify(entry);
  if (Buffer.byteLength(text) > LARGEST_RECORD_BYTES.e) throw tooLarge(entry.path);
  return record("e", text);
}

function record(kind: "e" | "m", json: string): Buffer {
  const text = Buffer.from(json);
  const head = Buffer.alloc(5);
  head.write(kind, 0, "latin1");
  head.writeUInt32BE(text.length, 1);
  return Buffer.concat([head, text]);
}

async function readHead(reader: ByteReader): Promise<{ readonly kind: "e" | "m"; readonly length: number }> {
  const head = await exactly(reader, 5);
  const kind = head.toString("latin1", 0, 1);
  const length = head.readUInt32BE(1);
  if ((kind !== "e" && kind !== "m") || length > LARGEST_RECORD_BYTES[kind]) throw damaged();
  return { kind, length };
}

/** What the end says: when the archive was made, and the hash of all that was in it. */
async function readEnd(
  reader: ByteReader,
  length: number,
): Promise<{ readonly createdAt: string; readonly sha256: string }> {
  const head = await exactly(reader, Math.min(length, LARGEST_END_BYTES));
  const listed = LIST_OF_FORMAT_1.exec(head.toString("latin1"));
  if (listed !== null) {
    const sha256 = await listHash(reader, head.subarray(listed[0].length), length - head.length);
    return { createdAt: listed[1] ?? "", sha256 };
  }
  if (length > head.length) throw damaged();
  const { format, createdAt, sha256 } = parsed(head) as Record<string, unknown>;
  if (format !== FORMAT || typeof createdAt !== "string" || typeof sha256 !== "string") throw damaged();
  return { createdAt, sha256 };
}

const LIST_OF_FORMAT_1 = /^\{"format":1,"createdAt":"([^"\\]*)","entries":\[/;
const LIST_END = "]}";

/** Hash of the entries that format 1 lists, of which some bytes were read and others come. */
async function listHash(reader: ByteReader, read: Buffer, coming: number): Promise<string> {
  const hash = createHash("sha256");
  let missing = coming;
  let held = read;
  while (missing > 0) {
    const piece = await exactly(reader, Math.min(missing, PIECE_BYTES));
    missing -= piece.length;
    hash.update(held.subarray(0, -LIST_END.length));
    held = Buffer.concat([held.subarray(-LIST_END.length), piece]);
  }
  if (held.toString("latin1", held.length - LIST_END.length) !== LIST_END) throw damaged();
  return hash.update(held.subarray(0, -LIST_END.length)).digest("hex");
}

async function exactly(reader: ByteReader, count: number): Promise<Buffer> {
  const bytes = await reader.upTo(count);
  if (bytes.length < count) throw damaged();
  return bytes;
}

function parsed(text: Buffer): unknown {
  try {
    const value = JSON.parse(text.toString()) as unknown;
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Said below.
  }
  throw damaged();
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

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

const tooLarge = (path: string): CodedError =>
  new CodedError({
    code: "backup-too-large",
    kind: "too-large",
    message: `The path ${path.slice(0, 200)}… is longer than a backup can hold.`,
  });
