import { base32 } from "multiformats/bases/base32";
import type { CID } from "multiformats/cid";

/** The part of a block store that uploads write to. */
export interface Blocks {
  put(cid: CID, bytes: Uint8Array): unknown;
  has(cid: CID): boolean | Promise<boolean>;
  delete(cid: CID): void | Promise<void>;
  /** Marks a block that is here as stored now. */
  refresh(cid: CID): Promise<void>;
}

interface PendingBlock {
  /** Uploads under way that wrote it. */
  holders: number;
  /** It belongs to a content that was kept, now or before. */
  kept: boolean;
  /** Set while it is taken out again. */
  leaving: Promise<void> | undefined;
}

/**
 * Which blocks belong to uploads that are not accepted yet, over all uploads of a process. A block that only refused
 * uploads wrote is deleted with the last of them; one that was there before, or that a kept content shares, stays.
 * Memory: an entry for each block of an upload under way.
 */
export class UploadBlocks {
  readonly #blocks: Blocks;
  readonly #pending = new Map<string, PendingBlock>();

  constructor(blocks: Blocks) {
    this.#blocks = blocks;
  }

  begin(): Upload {
    return new Upload(this.#blocks, this.#pending);
  }

  /** Deletes a block unless an upload holds it or `isStillUnneeded` says no; an upload that comes meanwhile waits. */
  async sweep(cid: CID, isStillUnneeded: () => Promise<boolean>): Promise<boolean> {
    const key = keyOf(cid);
    if (this.#pending.has(key)) return false;
    let swept = false;
    const leaving = (async () => {
      if (!(await isStillUnneeded())) return;
      await this.#blocks.delete(cid);
      swept = true;
    })().finally(() => this.#pending.delete(key));
    this.#pending.set(key, { holders: 0, kept: false, leaving });
    await leaving;
    return swept;
  }
}

/** The blocks of one upload; ended by `keep` or `discard`. */
export class Upload {
  readonly #blocks: Blocks;
  readonly #pending: Map<string, PendingBlock>;
  readonly #own = new Map<string, CID>();
  readonly #writing = new Set<Promise<unknown>>();
  #hasEnded = false;

  constructor(blocks: Blocks, pending: Map<string, PendingBlock>) {
    this.#blocks = blocks;
    this.#pending = pending;
  }

  async put(cid: CID, bytes: Uint8Array): Promise<CID> {
    if (this.#hasEnded) throw new TypeError("a block came after its upload had ended");
    const writing = this.#hold(cid).then(() => this.#blocks.put(cid, bytes));
    this.#writing.add(writing);
    try {
      await writing;
    } finally {
      this.#writing.delete(writing);
    }
    return cid;
  }

  /** The content is accepted: its blocks stay, whatever becomes of other uploads that share them. */
  keep(): void {
    this.#hasEnded = true;
    for (const key of this.#own.keys()) {
      const block = this.#pending.get(key);
      if (block === undefined) continue;
      block.kept = true;
      this.#release(key, block);
    }
    this.#own.clear();
  }

  /** The content was refused: what nobody else needs of it is deleted. */
  async discard(): Promise<void> {
    this.#hasEnded = true;
    // Writes that were under way when the upload failed: what they find and leave counts.
    await Promise.allSettled([...this.#writing]);
    const deletions: Promise<void>[] = [];
    for (const [key, cid] of this.#own) {
      const block = this.#pending.get(key);
      if (block === undefined) continue;
      if (block.kept || block.holders > 1) {
        this.#release(key, block);
        continue;
      }
      block.leaving = Promise.resolve(this.#blocks.delete(cid)).finally(() => this.#pending.delete(key));
      deletions.push(block.leaving);
    }
    this.#own.clear();
    await Promise.all(deletions);
  }

  async #hold(cid: CID): Promise<void> {
    const key = keyOf(cid);
    if (this.#own.has(key)) return;
    for (;;) {
      const block = this.#pending.get(key);
      if (block?.leaving !== undefined) {
        await block.leaving.catch(() => undefined);
        continue;
      }
      this.#own.set(key, cid);
      if (block !== undefined) {
        block.holders++;
        return;
      }
      // Registered before the store is asked: whoever comes meanwhile shares this entry.
      const fresh: PendingBlock = { holders: 1, kept: false, leaving: undefined };
      this.#pending.set(key, fresh);
      if (await this.#blocks.has(cid)) {
        fresh.kept = true;
        // It is not written again: from now on it is as young as this upload.
        await this.#blocks.refresh(cid);
      }
      return;
    }
  }

  #release(key: string, block: PendingBlock): void {
    block.holders--;
    if (block.holders === 0) this.#pending.delete(key);
  }
}

/** Blocks are named by their hash alone, whatever a CID says about what is in them. */
function keyOf(cid: CID): string {
  return base32.encode(cid.multihash.bytes);
}
