import { CodedError } from "@aios/kernel/coded-error";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { recoveryBusy } from "../../domain/errors.js";
import type { SignedTransaction } from "../../domain/transaction.js";
import type { PoolContent, WaitingTransactions } from "../../domain/waiting-transactions.js";
import type { NodeChannel } from "./node-channel.js";
import { packTransactions, unpackTransactions } from "./packed-transactions.js";

type Refusal = CodedError | undefined;

interface Submission {
  readonly transactions: readonly SignedTransaction[];
  readonly resolve: (refusals: readonly Refusal[]) => void;
  readonly reject: (error: unknown) => void;
}

/** The pool, seen from another thread. */
export class RemotePool implements WaitingTransactions {
  #next: Submission[] = [];
  #underway = 0;

  constructor(
    private readonly channel: Pick<NodeChannel, "ask">,
    /** Transactions that may be on their way to the pool; more are refused with `recovery-busy`. */
    private readonly maxUnderway: number,
  ) {}

  /** Admits checked transactions: of each why not, where it is refused. What comes in one turn is one message. */
  admit(transactions: readonly SignedTransaction[]): Promise<readonly Refusal[]> {
    if (this.#underway + transactions.length > this.maxUnderway)
      return Promise.resolve(transactions.map(recoveryBusy));
    this.#underway += transactions.length;
    return new Promise((resolve, reject) => {
      this.#next.push({ transactions, resolve, reject });
      if (this.#next.length === 1) setImmediate(() => void this.#send(this.#next.splice(0)));
    });
  }

  async get(hash: Bytes32): Promise<SignedTransaction | undefined> {
    return unpackTransactions(await this.channel.ask("waiting", [hash]))[0];
  }

  nextNonce(sender: Address): Promise<bigint> {
    return this.channel.ask("nextNonce", [sender]);
  }

  counts(): Promise<{ readonly pending: number; readonly queued: number }> {
    return this.channel.ask("counts", []);
  }

  async content(sender?: Address): Promise<PoolContent> {
    const { pending, queued } = await this.channel.ask("content", [sender]);
    return { pending: unpackTransactions(pending), queued: unpackTransactions(queued) };
  }

  async #send(submissions: readonly Submission[]): Promise<void> {
    const all = submissions.flatMap(({ transactions }) => transactions);
    try {
      const packed = packTransactions(all);
      const refusals = new Array<Refusal>(all.length).fill(undefined);
      for (const [index, why] of await this.channel.ask("admit", [packed], [packed.buffer]))
        refusals[index] = new CodedError(why);
      let at = 0;
      for (const { transactions, resolve } of submissions) {
        resolve(refusals.slice(at, at + transactions.length));
        at += transactions.length;
      }
    } catch (error) {
      for (const { reject } of submissions) reject(error);
    } finally {
      this.#underway -= all.length;
    }
  }
}
