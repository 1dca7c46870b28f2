import type { ChainSnapshot } from "@aios/core-honor-node/chain-snapshot";
import type { Transaction } from "lmdb";
import type { ChainEvents } from "../../../application/chain-events.js";
import type { BlockHeader } from "../../../domain/block.js";
import { corruptStore } from "../../../domain/errors.js";
import type { BlockStore, StateStore } from "../../../domain/ports.js";
import {
  encodeSnapshotChain,
  HISTORY_CONTRACT,
  historySlot,
  SNAPSHOT_HEADERS,
} from "../../../domain/snapshot-chain.js";
import type { ChainDatabase } from "../chain-database.js";
import { exportState } from "./export-state.js";
import type { SnapshotDirectory } from "./snapshot-directory.js";

/** So many blocks later the certificates over a state and over the one after it are there. */
const PROVEN_AFTER = 3;
/** Beyond, states that the proof needs may be pruned. */
const GIVEN_UP_AFTER = 200;

export interface SnapshotMakerParts {
  readonly database: ChainDatabase;
  readonly states: StateStore;
  readonly blocks: BlockStore;
  readonly directory: SnapshotDirectory;
  readonly events: ChainEvents;
  /** What the protocol has for a height; undefined while proofs are missing. */
  readonly chainAt: (height: number) => Promise<ChainSnapshot | undefined>;
  /** A snapshot of every height that this divides. */
  readonly intervalBlocks: number;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Makes a snapshot of the state after every so many blocks, beside the chain: the state as a read transaction sees it that is
 * taken before the next block is written, then the certificates that attest it. One at a time; a boundary that comes
 * before the last is done is left out.
 */
export class SnapshotMaker {
  readonly #parts: SnapshotMakerParts;
  readonly #stopping = new AbortController();
  readonly #unsubscribe: () => void;
  #head = 0;
  #onHead: (() => void) | undefined;
  #work: Promise<void> | undefined;

  constructor(parts: SnapshotMakerParts) {
    this.#parts = parts;
    this.#unsubscribe = parts.events.on("head", ({ header }) => this.#stored(header));
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#stopping.abort(new Error("stopping"));
    this.#onHead?.();
    await this.#work;
  }

  #stored(header: BlockHeader): void {
    this.#head = header.number;
    this.#onHead?.();
    const { intervalBlocks, database, onFailure } = this.#parts;
    if (this.#work !== undefined || header.number % intervalBlocks !== 0) return;
    this.#work = this.#make(header, database.snapshot())
      .catch((error: unknown) => {
        if (!this.#stopping.signal.aborted) onFailure(error);
      })
      .finally(() => {
        this.#work = undefined;
      });
  }

  async #make(header: BlockHeader, transaction: Transaction): Promise<void> {
    const { database, directory } = this.#parts;
    const writer = await directory.begin(header.number).catch((error: unknown) => {
      transaction.done();
      throw error;
    });
    const failing = new AbortController();
    const signal = AbortSignal.any([this.#stopping.signal, failing.signal]);
    const state = exportState(database, transaction, writer, signal).finally(() => transaction.done());
    try {
      // At once: the proofs of a height are there soon after it, and not for long.
      const [chain] = await Promise.all([this.#chain(header), state]);
      await writer.finish(chain);
    } catch (error) {
      failing.abort(error);
      // Nothing is written any more once it is removed, nor read once the database is closed.
      await state.catch(() => undefined);
      await writer.abandon();
      throw error;
    }
  }

  async #chain(header: BlockHeader): Promise<Uint8Array> {
    const { blocks, states, chainAt } = this.#parts;
    const height = header.number;
    for (;;) {
      await this.#reached(height + PROVEN_AFTER);
      const chain = await chainAt(height);
      if (chain !== undefined) {
        const { stateRoot } = this.#header(height + 1);
        const proof = states.proof(stateRoot, HISTORY_CONTRACT, [historySlot(height)]);
        const first = Math.max(1, height - SNAPSHOT_HEADERS + 1);
        return encodeSnapshotChain({
          chain,
          genesisHeader: this.#header(0),
          headers: Array.from({ length: height - first + 1 }, (_, at) => this.#header(first + at)),
          accountProof: proof.accountProof,
          slotProof: proof.storageProof[0]?.proof ?? [],
        });
      }
      if (this.#head > height + GIVEN_UP_AFTER || blocks.head() === undefined)
        throw corruptStore(`the certificates over height ${height} are missing`);
      await this.#reached(this.#head + 1);
    }
  }

  async #reached(height: number): Promise<void> {
    while (this.#head < height) {
      await new Promise<void>((resolve) => {
        this.#onHead = resolve;
      });
      this.#stopping.signal.throwIfAborted();
    }
  }

  #header(height: number): BlockHeader {
    const header = this.#parts.blocks.header(height);
    if (header === undefined) throw corruptStore(`block ${height} is missing`);
    return header;
  }
}
