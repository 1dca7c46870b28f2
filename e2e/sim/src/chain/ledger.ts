import type { OrderedTransaction } from "@aios/core-honor-node/dag-block";
import type { ExecutionResult, StandingCandidate } from "@aios/core-honor-node/node-protocol";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

export type Outcome = "executed" | "nonce-used" | "nonce-gap";

/** What one checkpoint did. */
export interface LedgerBlock {
  readonly result: ExecutionResult;
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

/** The simplest state machine with Ethereum's nonce rule: a chain of hashes over what was executed. */
export class Ledger {
  readonly #candidatesAt: (height: number) => readonly StandingCandidate[];
  readonly #blocks: LedgerBlock[] = [];
  #nonces = new Map<string, number>();
  /** After each height. */
  readonly #noncesAfter: ReadonlyMap<string, number>[] = [];
  #root: string;

  constructor(candidatesAt: (height: number) => readonly StandingCandidate[]) {
    this.#candidatesAt = candidatesAt;
    this.#root = "genesis-root";
  }

  get genesis(): ExecutionResult {
    return { root: "genesis-root", candidates: this.#candidatesAt(0) };
  }

  /** Executes a height, or remembers that it was. */
  execute(height: number, transactions: readonly OrderedTransaction[]): LedgerBlock {
    const known = this.#blocks[height - 1];
    if (known !== undefined) return known;
    if (height !== this.#blocks.length + 1) throw new Error(`height ${height} is executed out of order`);
    const outcomes = new Map<string, Outcome>();
    const executed: string[] = [];
    for (const { id, sender, nonce } of transactions) {
      const expected = this.#nonces.get(sender) ?? 0;
      const outcome = nonce === expected ? "executed" : nonce < expected ? "nonce-used" : "nonce-gap";
      if (outcome === "executed") {
        this.#nonces.set(sender, nonce + 1);
        executed.push(id);
      }
      if (outcomes.get(id) !== "executed") outcomes.set(id, outcome);
    }
    this.#root = bytesToHex(sha256(utf8ToBytes(JSON.stringify([this.#root, height, executed])))).slice(0, 16);
    const block = { result: { root: this.#root, candidates: this.#candidatesAt(height) }, outcomes };
    this.#blocks.push(block);
    this.#noncesAfter.push(new Map(this.#nonces));
    return block;
  }

  /** Takes over the state of another ledger after a height, as a node does that begins with a snapshot. */
  adopt(other: Ledger, height: number): void {
    this.#blocks.splice(0, this.#blocks.length, ...other.#blocks.slice(0, height));
    this.#noncesAfter.splice(0, this.#noncesAfter.length, ...other.#noncesAfter.slice(0, height));
    this.#nonces = new Map(this.#noncesAfter.at(-1));
    this.#root = this.#blocks.at(-1)?.result.root ?? this.#root;
  }
}
