import { honorKeysOf } from "@aios/core-committee/honor-set";
import type { BlockColouring } from "@aios/core-ghostdag/ghostdag";
import { hexToBytes } from "@noble/hashes/utils.js";
import { BlockClaims } from "./block-claims.js";
import { formFault } from "./block-rules.js";
import { type BlockHeader, blockClaimBytes, blockId, type DagBlock, isWhole } from "./dag-block.js";
import type { NodeContext } from "./node-context.js";

const MAX_WANTED = 64;

/** Takes blocks in, gives them out, asks for those that are missing, and finds makers of two blocks in a tick. */
export class BlockExchange {
  readonly #context: NodeContext;
  readonly #onInserted: (blocks: readonly DagBlock[]) => void;
  readonly #wanted = new Set<string>();
  readonly #claims: BlockClaims;

  constructor(context: NodeContext, onInserted: (blocks: readonly DagBlock[]) => void) {
    this.#context = context;
    this.#onInserted = onInserted;
    this.#claims = new BlockClaims(context.settings.chain.chainId, context.dag);
  }

  /** Up to this tick blocks are decided. */
  decided(tick: number): void {
    this.#claims.decided(tick);
  }

  /** A block from a peer. What is refused is dropped; what it lacks is asked of the peer. */
  receive(from: string, block: DagBlock): void {
    const { dag, ruleContext } = this.#context;
    const id = blockId(block);
    if (dag.has(id) || dag.isWaiting(id) || !this.#isWorthwhile(id, block)) return;
    // Before anything of it is remembered: a faulty seat signs whatever it likes.
    if (formFault(block, ruleContext) !== undefined || !this.#isSigned(from, block)) return;
    this.#noteClaim(block);
    const missing = this.add(block);
    if (missing.length > 0) this.want(missing, from);
  }

  /** Puts a block into the DAG whose signature is known to be good; returns what it lacks. */
  add(block: DagBlock): readonly string[] {
    const inserted = this.#context.dag.insert(block);
    if (inserted.kind === "waiting") return inserted.missing;
    if (inserted.kind !== "inserted") return [];
    for (const one of inserted.blocks) {
      this.#wanted.delete(blockId(one));
      this.#noteClaim(one);
    }
    this.#onInserted(inserted.blocks);
    return [];
  }

  /** Puts a block back that the log holds. */
  restore(block: DagBlock | BlockHeader, colouring: BlockColouring): void {
    const { dag, pool } = this.#context;
    if (dag.has(blockId(block))) return;
    dag.restore(block, colouring);
    this.#noteClaim(block);
    if (!isWhole(block)) return;
    const place = { block: blockId(block), tick: block.tick };
    for (const { id } of block.transactions) pool.sawInBlock(id, place);
  }

  /** Answers a peer that asks for blocks, also with those that only an archive has. */
  answer(from: string, ids: readonly string[]): void {
    const { dag, settings } = this.#context;
    for (const id of ids.slice(0, MAX_WANTED)) {
      const block = dag.block(id) ?? settings.history.block(id);
      if (block !== undefined) this.#context.send(from, { kind: "block", block });
    }
  }

  /** Asks one peer, or all, for blocks that others build on: they are taken in whatever else their makers signed. */
  want(ids: readonly string[], from: string | undefined): void {
    const unknown = this.#unknown(ids);
    if (this.#wanted.size > 10 * MAX_WANTED) this.#wanted.clear();
    for (const id of unknown) this.#wanted.add(id);
    this.ask(unknown, from);
  }

  /** Asks one peer, or all, for blocks that are taken in as if they had come unasked: a peer may name what it likes. */
  ask(ids: readonly string[], from: string | undefined): void {
    const unknown = this.#unknown(ids);
    if (unknown.length === 0) return;
    const packet = { kind: "want", ids: unknown } as const;
    if (from === undefined) this.#context.broadcast(packet);
    else this.#context.send(from, packet);
  }

  #unknown(ids: readonly string[]): readonly string[] {
    return ids.filter((id) => !this.#context.dag.has(id)).slice(0, MAX_WANTED);
  }

  /** Of a maker and tick two are taken in unasked; of more, only what another block builds on. */
  #isWorthwhile(id: string, block: DagBlock): boolean {
    if (this.#wanted.has(id)) return true;
    const { chain } = this.#context;
    // Where decisions have run ahead, the blocks of the heights behind them are still to come.
    const { number } = chain.setOf(Math.min(chain.height, chain.executedHeight + 1));
    if (block.setNumber < number - 1) return false;
    return !this.#claims.isExhausted(block);
  }

  #isSigned(from: string, block: DagBlock): boolean {
    const { chain, settings } = this.#context;
    const set = chain.reignOf(block.setNumber)?.set;
    if (set === undefined) return false;
    const key = honorKeysOf(settings.chain.chainId, set).publicKeys[block.seat];
    if (key === undefined) return false;
    const claim = blockClaimBytes(settings.chain.chainId, block);
    if (settings.scheme.verify(key, claim, hexToBytes(block.signature))) return true;
    this.#context.blame(from, "invalid-signature");
    return false;
  }

  #noteClaim(block: DagBlock | BlockHeader): void {
    const double = this.#claims.note(block);
    if (double === undefined) return;
    this.#context.accuse(block.setNumber, block.seat, `block ${block.tick}`, () => ({
      kind: "double-block",
      ...double,
    }));
  }
}
