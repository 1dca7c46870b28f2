import { CodedError } from "@aios/kernel/coded-error";
import type { Bytes32 } from "@aios/kernel/identifiers";
import type { BlockHeader, BlockWithReceipts } from "../domain/block.js";
import type { BlockRules } from "../domain/block-session.js";
import { type BlockSelector, type FinalityView, finalizedHeight, heightOfTag } from "../domain/block-tag.js";
import { corruptStore, historyPruned } from "../domain/errors.js";
import type { Genesis } from "../domain/genesis.js";
import { networkRules } from "../domain/network-rules.js";
import type {
  BlockContext,
  BlockReader,
  BlockWithChanges,
  OldestKept,
  StateReference,
} from "../domain/ports.js";

/** A point of the chain: its state, and the block fields that a call on it sees. */
export interface ChainPoint {
  readonly state: StateReference;
  readonly context: BlockContext;
}

export function blockNotFound(what: string): CodedError {
  return new CodedError({ code: "block-not-found", kind: "not-found", message: `block not found: ${what}` });
}

/** Turns the ways in which callers name blocks into stored blocks and states. */
export class ChainView {
  constructor(
    readonly genesis: Genesis,
    private readonly blocks: BlockReader,
    private readonly pending: { current(): Promise<BlockWithChanges> },
    /** Of whoever makes blocks, which may be another thread. */
    private readonly clock: { now(): number | Promise<number> },
    readonly rules: BlockRules = networkRules(genesis),
    /** `undefined`: the tag names no block yet. */
    private readonly heightOf: (...named: Parameters<typeof heightOfTag>) => number | undefined = heightOfTag,
    private readonly finality: FinalityView = finalizedHeight,
  ) {}

  head(): BlockHeader {
    const head = this.blocks.head();
    if (head === undefined) throw corruptStore("genesis is missing");
    return head;
  }

  /** From which height on everything is there. */
  oldest(): OldestKept {
    return this.blocks.oldest();
  }

  /**
   * Height of a stored block, or `undefined` for an unknown hash or a height not reached. Not for `pending`. Throws
   * `history-pruned`.
   */
  height(selector: Exclude<BlockSelector, { kind: "tag"; tag: "pending" }>): number | undefined {
    if (selector.kind === "hash") return this.blocks.heightOf(selector.hash);
    if (selector.kind === "height") {
      const oldest = this.blocks.oldest().block;
      if (selector.height > 0 && selector.height < oldest) throw historyPruned(oldest);
      return selector.height <= this.head().number ? selector.height : undefined;
    }
    if (selector.tag === "pending") return undefined;
    return this.heightOf(selector.tag, this.head().number, this.finality);
  }

  /** Highest stored block whose root is attested. */
  finalizedHeight(): number {
    return this.finality(this.head().number);
  }

  /** A stored block; `undefined` when there is none. */
  block(selector: BlockSelector): BlockWithReceipts | undefined {
    const height = this.height(selector);
    if (height === undefined) return undefined;
    const block = this.blocks.blockWithReceipts(height);
    if (block === undefined) this.#refusePruned(height);
    return block;
  }

  /** Transactions of a stored block; `undefined` when there is none. */
  transactionCount(selector: BlockSelector): number | undefined {
    const height = this.height(selector);
    if (height === undefined) return undefined;
    const count = this.blocks.transactionCount(height);
    if (count === undefined) this.#refusePruned(height);
    return count;
  }

  header(selector: BlockSelector): BlockHeader | undefined {
    const height = this.height(selector);
    return height === undefined ? undefined : this.blocks.header(height);
  }

  /** The optimistic block over the latest: never stored, different a moment later. */
  pendingBlock(): Promise<BlockWithChanges> {
    return this.pending.current();
  }

  /**
   * State and fields for a call. On `latest` and `safe` a call sees the time now, as the next transaction will; on
   * `pending` it also sees what waits; on an older block it sees that block's own fields. Throws `block-not-found`.
   */
  async point(selector: BlockSelector): Promise<ChainPoint> {
    if (selector.kind === "tag" && selector.tag === "pending") {
      const block = await this.pending.current();
      const parent = this.#headerAt(block.header.number - 1);
      const state = { root: parent.stateRoot, overlays: [block.changes] };
      return { state, context: await this.#live(block.header) };
    }
    const header = this.header(selector);
    if (header === undefined) throw blockNotFound(describe(selector));
    const isLive = selector.kind === "tag" && (selector.tag === "latest" || selector.tag === "safe");
    const context = isLive ? await this.#live(header) : contextOf(header);
    return { state: { root: header.stateRoot, overlays: [] }, context };
  }

  /** Base fee of the next block. Wei per gas. */
  nextBaseFee(): bigint {
    return this.rules.nextBaseFee(this.head());
  }

  /** Base fee of blob gas in the next block. Wei per blob gas. */
  nextBlobBaseFee(): bigint {
    return this.blobBaseFeeAfter(this.head());
  }

  blobBaseFeeAfter(parent: BlockHeader): bigint {
    const { timestamp } = parent;
    return this.rules.blobBaseFee(this.rules.nextExcessBlobGas(parent, timestamp), timestamp);
  }

  #refusePruned(height: number): void {
    const oldest = this.blocks.oldest().block;
    if (height < oldest) throw historyPruned(oldest);
  }

  /** The fields of a block, at the time now. */
  async #live(header: BlockHeader): Promise<BlockContext> {
    const now = Math.floor((await this.clock.now()) / 1_000);
    return { ...contextOf(header), timestamp: Math.max(now, header.timestamp) };
  }

  #headerAt(height: number): BlockHeader {
    const header = this.blocks.header(height);
    if (header === undefined) throw blockNotFound(String(height));
    return header;
  }
}

function contextOf(header: BlockHeader): BlockContext {
  const { number, timestamp, gasLimit, baseFeePerGas, feeRecipient, prevRandao } = header;
  const { parentBeaconBlockRoot, blobBaseFeePerGas } = header;
  const difficulty = header.earlierForm?.difficulty ?? 0n;
  return {
    number,
    timestamp,
    gasLimit,
    baseFeePerGas,
    feeRecipient,
    prevRandao,
    parentBeaconBlockRoot,
    ...(blobBaseFeePerGas === undefined ? {} : { blobBaseFeePerGas }),
    ...(difficulty > 0n ? { difficulty } : {}),
  };
}

function describe(selector: BlockSelector): string {
  if (selector.kind === "tag") return selector.tag;
  return selector.kind === "height" ? String(selector.height) : (selector.hash satisfies Bytes32);
}
