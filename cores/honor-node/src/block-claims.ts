import type { SignedBlockClaim } from "@aios/core-finality/evidence";
import { hexToBytes } from "@noble/hashes/utils.js";
import type { BlockDag, DagEntry } from "./block-dag.js";
import { type BlockFacts, type BlockHeader, blockClaimBytes, blockId, type DagBlock } from "./dag-block.js";

/** Beyond it the oldest claims are forgotten; what is in the DAG is found there. */
const MAX_CLAIMS = 16_384;
/** Blocks of one maker and tick that are told apart. */
const MAX_OF_TICK = 2;

interface Claims {
  readonly tick: number;
  readonly first: SignedBlockClaim;
  second: string | undefined;
}

/** Two blocks of one maker and tick, as they were signed. */
export interface DoubleClaim {
  readonly first: SignedBlockClaim;
  readonly second: SignedBlockClaim;
}

/**
 * Who claimed which ticks, from the blocks that were signed: the claims alone above the decided tick, the DAG at and below
 * it. Bounded, whatever anyone signs.
 */
export class BlockClaims {
  readonly #chainId: string;
  readonly #dag: BlockDag;
  /** By set, seat and tick, oldest first. */
  readonly #claims = new Map<string, Claims>();
  #decidedTick = 0;

  constructor(chainId: string, dag: BlockDag) {
    this.#chainId = chainId;
    this.#dag = dag;
  }

  /** Ticks of which claims are kept beside the DAG. */
  get size(): number {
    return this.#claims.size;
  }

  /** What is decided needs no claims beside the DAG any more. */
  decided(tick: number): void {
    this.#decidedTick = tick;
    this.#prune();
  }

  /** Whether so many other blocks of its maker and tick are known that this one tells nothing new. */
  isExhausted(block: DagBlock | BlockHeader): boolean {
    const claims = this.#claims.get(keyOf(block));
    if (claims?.second !== undefined) return ![claims.first.blockId, claims.second].includes(blockId(block));
    return this.#inDag(block).length >= MAX_OF_TICK;
  }

  /** Notes a block whose signature is good; answers with the proof where it is the second of its maker and tick. */
  note(block: DagBlock | BlockHeader): DoubleClaim | undefined {
    const id = blockId(block);
    const key = keyOf(block);
    const claims = this.#claims.get(key);
    if (claims === undefined) {
      const other = this.#inDag(block).find((one) => one.id !== id);
      const first = this.#claim(other?.block ?? block);
      if (block.tick > this.#decidedTick)
        this.#claims.set(key, { tick: block.tick, first, second: other && id });
      this.#prune();
      return other && { first, second: this.#claim(block) };
    }
    if (claims.first.blockId === id || claims.second !== undefined) return undefined;
    claims.second = id;
    return { first: claims.first, second: this.#claim(block) };
  }

  #inDag({ setNumber, seat, tick }: DagBlock | BlockHeader): readonly DagEntry[] {
    return this.#dag
      .entriesOfTick(tick)
      .filter(({ block }) => block.seat === seat && block.setNumber === setNumber);
  }

  #prune(): void {
    for (const [key, { tick }] of this.#claims) {
      if (tick > this.#decidedTick && this.#claims.size <= MAX_CLAIMS) return;
      this.#claims.delete(key);
    }
  }

  #claim(block: DagBlock | BlockHeader): SignedBlockClaim {
    return {
      maker: block.seat,
      tick: block.tick,
      blockId: blockId(block),
      bytes: blockClaimBytes(this.#chainId, block),
      signature: hexToBytes(block.signature),
    };
  }
}

function keyOf({ setNumber, seat, tick }: BlockFacts): string {
  return `${setNumber}/${seat}/${tick}`;
}
