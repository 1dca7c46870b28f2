import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  decodeIndex,
  encodeIndex,
  MAX_PART_BYTES,
  type PartKind,
  type SnapshotPart,
  type SnapshotSource,
} from "../../../domain/snapshot-index.js";
import { syncDirectory, writeSynced } from "./synced-files.js";

const DIRECTORY = "snapshots";
const INDEX = "index";
const PARTIAL = ".partial";
/** Those who are at the last but one may finish it. */
const KEPT = 2;

const partName = (index: number): string => `part-${index}`;

/**
 * The snapshots of a node, each a directory of its own: written under another name, synced, and renamed once it is whole,
 * so that a crash leaves none that is torn.
 */
export class SnapshotDirectory {
  readonly #path: string;

  constructor(dataDir: string) {
    this.#path = join(dataDir, DIRECTORY);
  }

  /** Heights of those that are whole, ascending. */
  get heights(): number[] {
    if (!existsSync(this.#path)) return [];
    return readdirSync(this.#path)
      .filter((name) => /^[0-9]+$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  }

  /** The index of one; undefined where it is not there. */
  index(height: number): Uint8Array | undefined {
    return this.#read(height, INDEX);
  }

  /** A part of one; undefined where it is not there. At most `MAX_PART_BYTES`. */
  part(height: number, index: number): Uint8Array | undefined {
    return this.#read(height, partName(index));
  }

  /** A snapshot of this directory as a source. */
  source(height: number): SnapshotSource {
    const read = (name: string): Promise<Uint8Array> => readFile(join(this.#path, String(height), name));
    return { index: () => read(INDEX), part: (index) => read(partName(index)) };
  }

  /** Begins one. What an earlier start left half written is removed. */
  async begin(height: number): Promise<SnapshotWriter> {
    await mkdir(this.#path, { recursive: true });
    for (const name of readdirSync(this.#path))
      if (name.endsWith(PARTIAL)) await rm(join(this.#path, name), { recursive: true });
    const partial = join(this.#path, `${height}${PARTIAL}`);
    await mkdir(partial);
    return new SnapshotWriter(partial, height, async () => {
      await rename(partial, join(this.#path, String(height)));
      await syncDirectory(this.#path);
      for (const old of this.heights.slice(0, -KEPT))
        await rm(join(this.#path, String(old)), { recursive: true });
    });
  }

  #read(height: number, name: string): Uint8Array | undefined {
    if (!Number.isSafeInteger(height) || height < 0) return undefined;
    try {
      return readFileSync(join(this.#path, String(height), name));
    } catch (error) {
      // A newer one may have taken its place in the meantime.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }
}

/** Writes one snapshot, part by part in the order of their kinds; `finish` makes it one. */
export class SnapshotWriter {
  readonly #path: string;
  readonly #height: number;
  readonly #publish: () => Promise<void>;
  readonly #stateParts: SnapshotPart[] = [];
  #count = 0;

  constructor(path: string, height: number, publish: () => Promise<void>) {
    this.#path = path;
    this.#height = height;
    this.#publish = publish;
  }

  /** A part of the state. */
  async state(kind: Exclude<PartKind, "chain">, bytes: Uint8Array): Promise<void> {
    this.#stateParts.push(partOf(kind, bytes));
    await writeSynced(join(this.#path, `state-${this.#count++}`), bytes);
  }

  /** The chain is known last and stands first. */
  async finish(chain: Uint8Array): Promise<void> {
    const chainParts: SnapshotPart[] = [];
    for (let start = 0; start < chain.length; start += MAX_PART_BYTES) {
      const bytes = chain.subarray(start, start + MAX_PART_BYTES);
      await writeSynced(join(this.#path, partName(chainParts.length)), bytes);
      chainParts.push(partOf("chain", bytes));
    }
    for (let index = 0; index < this.#count; index++)
      await rename(join(this.#path, `state-${index}`), join(this.#path, partName(chainParts.length + index)));
    const parts = [...chainParts, ...this.#stateParts];
    await writeSynced(join(this.#path, INDEX), encodeIndex({ height: this.#height, parts }));
    await syncDirectory(this.#path);
    await this.#publish();
  }

  async abandon(): Promise<void> {
    await rm(this.#path, { recursive: true, force: true });
  }
}

const MAGIC = Buffer.from("AiOS snapshot 1\n");
const LENGTH_BYTES = 4;

/** One file of a whole snapshot: a line that names it, the length of the index (4 bytes), the index, the parts. */
export async function writeSnapshotFile(
  source: SnapshotSource,
  file: string,
): Promise<{ readonly height: number; readonly sizeBytes: number }> {
  const index = await source.index();
  const { height, parts } = decodeIndex(index);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(index.length);
  const partial = `${file}${PARTIAL}`;
  const handle = await open(partial, "w");
  let sizeBytes = 0;
  try {
    // All of it: a single write may take less than it is given.
    const append = async (bytes: Uint8Array): Promise<void> => {
      await handle.writeFile(bytes);
      sizeBytes += bytes.length;
    };
    for (const bytes of [MAGIC, length, index]) await append(bytes);
    for (const [at, part] of parts.entries()) await append(await source.part(at, part));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(partial, file);
  return { height, sizeBytes };
}

/** A snapshot in a file as a source. Throws what reading a file throws; a file that is too short gives short parts. */
export function snapshotFile(file: string): SnapshotSource {
  const read = async (position: number, length: number): Promise<Uint8Array> => {
    const handle = await open(file, "r");
    try {
      const bytes = Buffer.alloc(length);
      const { bytesRead } = await handle.read(bytes, 0, length, position);
      return bytes.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  };
  const indexLength = async (): Promise<number> => {
    const start = Buffer.from(await read(0, MAGIC.length + LENGTH_BYTES));
    const isSnapshot =
      start.length === MAGIC.length + LENGTH_BYTES && start.subarray(0, MAGIC.length).equals(MAGIC);
    return isSnapshot ? Math.min(start.readUInt32BE(MAGIC.length), 64 * MAX_PART_BYTES) : 0;
  };
  const starts: number[] = [];
  const index = async (): Promise<Uint8Array> => read(MAGIC.length + LENGTH_BYTES, await indexLength());
  return {
    index,
    async part(at, { sizeBytes }) {
      if (starts.length === 0) {
        let position = MAGIC.length + LENGTH_BYTES + (await indexLength());
        for (const part of decodeIndex(await index()).parts) {
          starts.push(position);
          position += part.sizeBytes;
        }
      }
      return read(starts[at] ?? 0, sizeBytes);
    },
  };
}

function partOf(kind: PartKind, bytes: Uint8Array): SnapshotPart {
  return { kind, sizeBytes: bytes.length, sha256: createHash("sha256").update(bytes).digest() };
}
