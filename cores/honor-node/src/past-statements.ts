import type { Certificate } from "@aios/core-finality/certificate";
import type { SafetyRecord } from "@aios/core-finality/finality-height";

/** What binds a node that began anew although it may have spoken before. */
export interface Abstention {
  /** It makes no block of this tick or an earlier one: it may have made one that it does not have any more. */
  readonly blocksUntil: number;
  /**
   * It votes on no height whose parent is of this tick or an earlier one: it may have voted there, and nothing says how. A
   * vote was cast after its height's parent was certified, and a parent of a later tick was not there before. 0 where what was
   * said is written down.
   */
  readonly votesUntil: number;
}

export const NO_ABSTENTION: Abstention = { blocksUntil: 0, votesUntil: 0 };

/**
 * What a node said in earlier lives and must not contradict. A safety record outlives the chain that it was written
 * with: after a snapshot the node comes to the height of its record later, or the record is of a height before.
 */
export class PastStatements {
  #record: SafetyRecord | undefined;
  #parentProofs: readonly Certificate[] = [];
  #abstention = NO_ABSTENTION;

  /** `parentProofs`: with which others can follow the record's checkpoints. */
  spoke(record: SafetyRecord, parentProofs: readonly Certificate[]): void {
    this.#record = record;
    this.#parentProofs = parentProofs;
  }

  abstain(abstention: Abstention): void {
    this.#abstention = abstention;
  }

  /** With what a height goes on; undefined where nothing was said at it. */
  recordOf(height: number): SafetyRecord | undefined {
    return this.#record?.height === height ? this.#record : undefined;
  }

  /** Proofs of the rounds in which the parent of a height was certified, as they were written down with its record. */
  parentProofsAt(height: number): readonly Certificate[] {
    return this.#record?.height === height ? this.#parentProofs : [];
  }

  /** Whether nothing that is said at a height can contradict what was said before. */
  maySpeakAt(height: number, parentTick: number): boolean {
    const spokenAt = this.#record?.height ?? 0;
    if (height === spokenAt) return true;
    return (
      height > spokenAt && (this.#abstention.votesUntil === 0 || parentTick > this.#abstention.votesUntil)
    );
  }

  mayMakeBlock(tick: number): boolean {
    return tick > this.#abstention.blocksUntil;
  }
}
