import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, mkdir, open, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isCodedError } from "@aios/kernel/coded-error";
import { systemClock } from "@aios/service-kit/system-clock";
import { BaseBlockstore } from "blockstore-core";
import type { InputPair, Pair } from "interface-blockstore";
import { base32 } from "multiformats/bases/base32";
import { CID } from "multiformats/cid";
import { create as createDigest } from "multiformats/hashes/digest";
import { contentDamaged, storageFull } from "../../domain/errors.js";

const SHA2_256 = 0x12;
const RAW = 0x55;

/** Thrown by `get` for a block that is not there; the name is what IPFS code looks for. */
class BlockNotFoundError extends Error {
  override readonly name = "NotFoundError";
}

/**
 * Blocks as files named by their hash. A write appears whole or not at all (temporary file, fsync, rename); a read
 * is checked against the hash first. A damaged file is moved aside, so that the block can be stored again.
 */
export class VerifiedBlockstore extends BaseBlockstore {
  readonly #directory: string;
  readonly #temporary: string;
  #writes = 0;

  constructor(directory: string) {
    super();
    this.#directory = join(directory, "blocks");
    this.#temporary = join(directory, "incoming");
  }

  async open(): Promise<void> {
    await rm(this.#temporary, { recursive: true, force: true });
    await mkdir(this.#temporary, { recursive: true });
    await mkdir(this.#directory, { recursive: true });
  }

  override async put(cid: CID, value: InputPair["bytes"]): Promise<CID> {
    const target = this.#fileOf(cid);
    const temporary = join(this.#temporary, `${process.pid}-${this.#writes++}`);
    try {
      const file = await open(temporary, "wx");
      try {
        await file.writeFile(await whole(value));
        await file.sync();
      } finally {
        await file.close();
      }
      await mkdir(dirname(target), { recursive: true });
      await rename(temporary, target);
      return cid;
    } catch (error) {
      await rm(temporary, { force: true });
      throw isDiskFull(error) ? storageFull() : error;
    }
  }

  override async *get(cid: CID): AsyncGenerator<Uint8Array> {
    const file = this.#fileOf(cid);
    const bytes = await readFile(file).catch((error: unknown) => {
      throw codeOf(error) === "ENOENT"
        ? new BlockNotFoundError(`block ${cid.toString()} is not here`)
        : error;
    });
    if (cid.multihash.code === SHA2_256) {
      const digest = createHash("sha256").update(bytes).digest();
      if (!digest.equals(cid.multihash.digest)) {
        await rename(file, `${file}.damaged`);
        throw contentDamaged(cid.toString());
      }
    }
    yield bytes;
  }

  override async has(cid: CID): Promise<boolean> {
    return access(this.#fileOf(cid), constants.R_OK).then(
      () => true,
      () => false,
    );
  }

  override async delete(cid: CID): Promise<void> {
    await rm(this.#fileOf(cid), { force: true });
  }

  /** When the block was last stored, in milliseconds since the Unix epoch; undefined where it is not here. */
  async storedAtMs(cid: CID): Promise<number | undefined> {
    return stat(this.#fileOf(cid)).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    );
  }

  /** Marks a block that is here as stored now. */
  async refresh(cid: CID): Promise<void> {
    // The times of files are the machine's.
    const now = new Date(systemClock.now());
    await utimes(this.#fileOf(cid), now, now);
  }

  /** Blocks that were last stored before; each under its own CID or another one of the same hash. */
  async *storedBefore(beforeMs: number): AsyncGenerator<{ readonly cid: CID; readonly sizeBytes: number }> {
    for await (const cid of this.#cids()) {
      const facts = await stat(this.#fileOf(cid)).catch(() => undefined);
      if (facts !== undefined && facts.mtimeMs < beforeMs) yield { cid, sizeBytes: facts.size };
    }
  }

  override async *getAll(): AsyncGenerator<Pair> {
    for await (const cid of this.#cids()) yield { cid, bytes: this.get(cid) };
  }

  async *#cids(): AsyncGenerator<CID> {
    for (const shard of await readdir(this.#directory)) {
      for (const name of await readdir(join(this.#directory, shard))) {
        if (name.includes(".")) continue;
        yield CID.createV1(RAW, createDigest(SHA2_256, base32.decode(`b${name}`)));
      }
    }
  }

  #fileOf(cid: CID): string {
    const name = base32.encode(cid.multihash.digest).slice(1);
    return join(this.#directory, name.slice(-2), name);
  }
}

/** True when an error, wherever it was wrapped, says that the disk is full. */
export function isDiskFull(error: unknown): boolean {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 8; cause = cause.cause, depth++) {
    if (codeOf(cause) === "ENOSPC" || codeOf(cause) === "EDQUOT") return true;
    if (isCodedError(cause) && cause.code === "storage-full") return true;
  }
  return false;
}

function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | null)?.code;
}

async function whole(value: InputPair["bytes"]): Promise<Uint8Array> {
  if (value instanceof Uint8Array) return value;
  const parts: Uint8Array[] = [];
  for await (const part of value) parts.push(part);
  return Buffer.concat(parts);
}
