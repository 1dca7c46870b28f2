import { heldUnder } from "./block-production.js";
import { shortIdOf } from "./compact-block.js";
import type { OrderedTransaction } from "./dag-block.js";
import type { NodeContext } from "./node-context.js";
import type { PeerBudget } from "./peer-budget.js";
import { PullRequests } from "./pull-requests.js";

/** In one packet, or one answer. */
export const MAX_TRANSACTIONS_IN_PACKET = 256;
/** Larger ones are announced instead of sent: whoever has them from elsewhere does not get them twice. */
const PUSH_BYTES = 4_096;
/** Announced transactions that are asked for at once, and those of one peer: as many as it announces in an interval of gossip. */
const MAX_ASKED = 32 * MAX_TRANSACTIONS_IN_PACKET;

/**
 * How transactions come to all nodes: small ones are sent once by the node that took them in; large ones, and all that a while
 * later are in no block, are announced by the beginnings of their hashes, and fetched by who lacks them.
 */
export class TransactionGossip {
  readonly #context: NodeContext;
  readonly #budget: PeerBudget;
  readonly #requests: PullRequests;

  constructor(context: NodeContext, budget: PeerBudget) {
    this.#context = context;
    this.#budget = budget;
    this.#requests = new PullRequests({
      timeoutMs: context.answerMs,
      maxRequests: MAX_ASKED,
      maxOfPeer: MAX_TRANSACTIONS_IN_PACKET,
    });
  }

  /** Passes on what users gave to this node. */
  spread(transactions: readonly OrderedTransaction[]): void {
    const small = transactions.filter(({ payload }) => payload.length <= PUSH_BYTES);
    if (small.length > 0) this.#context.broadcast({ kind: "transactions", transactions: small });
    this.#announce(transactions.filter(({ payload }) => payload.length > PUSH_BYTES));
  }

  /** Says what waits here that no block holds: others may have missed it. */
  repeat(): void {
    const { chain, dag, pool, tick } = this.#context;
    // A node without a duty never puts into a block what was left in one that nobody merged: others have to hear of it.
    const held = heldUnder(this.#context, tick, dag.has(chain.tip) ? [chain.tip] : []);
    this.#announce(pool.unheld(held, MAX_TRANSACTIONS_IN_PACKET));
  }

  /** A peer says what waits there. */
  announced(from: string, shortIds: readonly string[]): void {
    const { pool } = this.#context;
    if (pool.isFull) return;
    const news = shortIds.filter((shortId) => !pool.isKnown(shortId) && this.#requests.offer(shortId, from));
    if (news.length > 0) this.pull();
  }

  /** Answers a peer that asks for what waits here, as far as its budget goes. */
  answer(from: string, shortIds: readonly string[]): void {
    const { pool, nowMs } = this.#context;
    const found: OrderedTransaction[] = [];
    for (const transaction of shortIds.flatMap((shortId) => pool.find(shortId) ?? [])) {
      if (!this.#budget.isLeft(from, nowMs)) {
        this.#context.refuse(from, "over-budget");
        break;
      }
      this.#budget.spend(from, transaction.payload.length, nowMs);
      found.push(transaction);
    }
    for (let at = 0; at < found.length; at += MAX_TRANSACTIONS_IN_PACKET) {
      const transactions = found.slice(at, at + MAX_TRANSACTIONS_IN_PACKET);
      this.#context.send(from, { kind: "transactions", transactions });
    }
  }

  /** They came; whether they wait here now is not said. */
  heard(shortIds: Iterable<string>): void {
    for (const shortId of shortIds) this.#requests.done(shortId);
  }

  /** Asks for what was announced, and passes over peers that did not answer in time. */
  pull(): void {
    if (this.#requests.size === 0) return;
    const { asks, late } = this.#requests.due(this.#context.nowMs, []);
    for (const peer of late) this.#context.refuse(peer, "no-answer");
    for (const [peer, shortIds] of asks) this.#context.send(peer, { kind: "want-announced", shortIds });
    if (this.#requests.size > 0) this.#context.awaitAnswers();
  }

  #announce(transactions: readonly OrderedTransaction[]): void {
    for (let at = 0; at < transactions.length; at += MAX_TRANSACTIONS_IN_PACKET) {
      const some = transactions.slice(at, at + MAX_TRANSACTIONS_IN_PACKET);
      this.#context.broadcast({ kind: "announce", shortIds: some.map(({ id }) => shortIdOf(id)) });
    }
  }
}
