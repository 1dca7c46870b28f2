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

/** Entries with their contents, one after the other, and a manifest with every hash at the end. */
export async function* packArchive(
  entries: readonly (ArchiveEntry & { readonly file: string })[],
  createdAt: string,
): AsyncGenerator<Buffer> {
  const manifest: ManifestEntry[] = [];
  for (const { file, ...entry } of entries) {
    yield record("e", entry);
    const hash = createHash("sha256");
    if (entry.kind === "file") {
      let read = 0;
      // A file that grows meanwhile is taken as long as it was when it was listed; a shorter one is an error.
      if (entry.sizeBytes > 0) {
        for await (const piece of createReadStream(file, {
          end: entry.sizeBytes - 1,
        }) as AsyncIterable<Buffer>) {
          hash.update(piece);
          read += piece.length;
          yield piece;
        }
      }
      if (read !== entry.sizeBytes) throw new Error(`${file} became shorter while it was read`);
    }
    manifest.push({ ...entry, sha256: entry.kind === "file" ? hash.digest("hex") : "" });
  }
  yield record("m", { format: 1, createdAt, entries: manifest } satisfies BackupManifest);
}

/**
 * Writes an archive's entries below a directory that is empty, checks each against the manifest, and answers it. Throws
 * `backup-damaged` for what does not fit, whatever it is.
 */
export async function unpackArchive(
  archive: AsyncIterable<Buffer>,
  directory: string,
): Promise<BackupManifest> {
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
      return manifest;
    }
    found.push(await unpackEntry(reader, entryOf(value), directory));
  }
}

async function unpackEntry(
  reader: ByteReader,
  entry: ArchiveEntry,
  directory: string,
): Promise<ManifestEntry> {
  const target = join(directory, entry.path);
  if (entry.kind === "directory") {
    await mkdir(target, { recursive: true, mode: 0o700 });
    await chmod(target, entry.mode);
    return { ...entry, sha256: "" };
  }
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  const hash = createHash("sha256");
  await pipeline(
    async function* () {
      for (let missing = entry.sizeBytes; missing > 0; ) {
        const piece = await reader.upTo(Math.min(missing, PIECE_BYTES));
        if (piece.length === 0) throw damaged();
        missing -= piece.length;
        hash.update(piece);
        yield piece;
      }
    },
    createWriteStream(target, { mode: entry.mode, flags: "wx" }),
  );
  return { ...entry, sha256: hash.digest("hex") };
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
  return { kind, value: JSON.parse(text.toString()) as unknown };
}

function entryOf(value: unknown): ArchiveEntry {
  const { path, kind, mode, sizeBytes } = value as Partial<ArchiveEntry>;
  const fits =
    typeof path === "string" &&
    isArchivePath(path) &&
    (kind === "file" || kind === "directory") &&
    Number.isInteger(mode) &&
    Number.isSafeInteger(sizeBytes) &&
    (sizeBytes ?? -1) >= 0;
  if (!fits) throw damaged();
  return { path, kind, mode: (mode as number) & 0o777, sizeBytes: sizeBytes as number };
}

const tooLarge = (): CodedError =>
  new CodedError({
    code: "backup-too-large",
    kind: "too-large",
    message: `There are more files than a backup can name: its list may have ${LARGEST_RECORD_BYTES.m} bytes.`,
  });
