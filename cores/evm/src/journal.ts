import type { Account } from "./account.js";
import type { Code } from "./code.js";
import { SLOT, type SlotTable } from "./slot-table.js";

type NumberMark = "touched" | "warm" | "created" | "destroyed";
type Amount = "balance" | "nonce";
/** What an undo step reaches beside accounts. */
export interface JournalledState {
  readonly logs: unknown[];
  readonly slots: SlotTable;
  readonly transient: SlotTable;
  undoTouch(): void;
  undoDestroy(): void;
}

/** Of a transaction that made more, the lists are given back. */
const KEPT_STEPS = 1_024;

type Kind = NumberMark | Amount | "code" | "slot" | "transient" | "warm-slot" | "log";

/** Undo log of the changes of one transaction: the value before each, in order. Its lists are kept for the next one. */
export class Journal {
  #length = 0;
  readonly #kinds: Kind[] = [];
  readonly #accounts: (Account | undefined)[] = [];
  /** The number, amount or code before; for slots the index of the slot. */
  readonly #before: unknown[] = [];
  #words = new Int32Array(8 * 64);
  #wordCount = 0;

  get length(): number {
    return this.#length;
  }

  #push(kind: Kind, account: Account | undefined, before: unknown): void {
    const at = this.#length++;
    this.#kinds[at] = kind;
    this.#accounts[at] = account;
    this.#before[at] = before;
  }

  number(kind: NumberMark, account: Account, before: number): void {
    this.#push(kind, account, before);
  }

  amount(kind: Amount, account: Account, before: bigint): void {
    this.#push(kind, account, before);
  }

  code(account: Account, before: Code): void {
    this.#push("code", account, before);
  }

  mark(kind: "log"): void {
    this.#push(kind, undefined, undefined);
  }

  warmSlot(slot: number, before: number): void {
    this.#push("warm-slot", undefined, { slot, before });
  }

  /** Notes the word at `at` of `words` as the value before. */
  slot(kind: "slot" | "transient", slot: number, words: Int32Array, at: number): void {
    const start = this.#wordCount * 8;
    if (start === this.#words.length) {
      const larger = new Int32Array(start * 2);
      larger.set(this.#words);
      this.#words = larger;
    }
    for (let i = 0; i < 8; i++) this.#words[start + i] = words[at + i];
    this.#wordCount++;
    this.#push(kind, undefined, slot);
  }

  undo(length: number, state: JournalledState): void {
    while (this.#length > length) {
      const at = --this.#length;
      const kind = this.#kinds[at];
      const account = this.#accounts[at];
      const before = this.#before[at];
      if (account === undefined) this.#undoWithoutAccount(kind, before, state);
      else undoAccount(kind, account, before, state);
    }
  }

  #undoWithoutAccount(kind: Kind, before: unknown, state: JournalledState): void {
    if (kind === "log") {
      state.logs.pop();
    } else if (kind === "warm-slot") {
      const mark = before as { readonly slot: number; readonly before: number };
      state.slots.data[mark.slot + SLOT.WARM_IN] = mark.before;
    } else {
      this.#wordCount--;
      const data = kind === "slot" ? state.slots.data : state.transient.data;
      const at = (before as number) + SLOT.CURRENT;
      for (let i = 0; i < 8; i++) data[at + i] = this.#words[this.#wordCount * 8 + i];
    }
  }

  clear(): void {
    if (this.#kinds.length > KEPT_STEPS) {
      this.#kinds.length = 0;
      this.#accounts.length = 0;
      this.#before.length = 0;
    }
    this.#length = 0;
    this.#wordCount = 0;
  }
}

function undoAccount(kind: Kind, account: Account, before: unknown, state: JournalledState): void {
  switch (kind) {
    case "balance":
      account.balance = before as bigint;
      break;
    case "nonce":
      account.nonce = before as bigint;
      break;
    case "code":
      account.code = before as Code;
      break;
    case "warm":
      account.warmIn = before as number;
      break;
    case "created":
      account.createdIn = before as number;
      break;
    case "touched":
      account.touchedIn = before as number;
      state.undoTouch();
      break;
    case "destroyed":
      account.destroyedIn = before as number;
      state.undoDestroy();
      break;
  }
}
