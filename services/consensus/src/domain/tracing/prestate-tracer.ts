import { toHex, unpad } from "@aios/core-rlp/hex";
import { EMPTY_CODE_HASH } from "@aios/core-trie/empty-hashes";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { StateView } from "../state.js";
import { traceTooLarge } from "./struct-logger.js";
import {
  addressOfWord,
  type TracedFrame,
  type TracedTransaction,
  type TraceEnd,
  type TraceJson,
  type TraceOptions,
  type Tracer,
  type TraceStep,
} from "./tracer.js";

const SLOAD = 0x54;
const SSTORE = 0x55;
const WORD = 32;
/** BALANCE, EXTCODESIZE, EXTCODECOPY, EXTCODEHASH, SELFDESTRUCT: the address is on top of the stack. */
const NAMES_ACCOUNT: ReadonlySet<number> = new Set([0x31, 0x3b, 0x3c, 0x3f, 0xff]);

interface Remembered {
  readonly exists: boolean;
  readonly balance: bigint;
  readonly nonce: bigint;
  readonly code: Uint8Array;
  readonly storage: Map<Bytes32, Uint8Array>;
}

function look(state: StateView, address: Address): Remembered {
  const account = state.account(address);
  return {
    exists: account !== undefined,
    balance: account?.balance ?? 0n,
    nonce: account?.nonce ?? 0n,
    code:
      account === undefined || account.codeHash === EMPTY_CODE_HASH
        ? new Uint8Array(0)
        : state.code(account.codeHash),
    storage: new Map(),
  };
}

function wordHex(value: Uint8Array): string {
  return `0x${toHex(value)
    .slice(2)
    .padStart(2 * WORD, "0")}`;
}

/**
 * Geth's prestateTracer: every account and slot that the transaction touches, as it was before. With `diffMode`, what
 * it changed, before and after.
 */
export class PrestateTracer implements Tracer {
  readonly #before = new Map<Address, Remembered>();
  readonly #created = new Set<Address>();
  #state: StateView | undefined;
  #bytes = 0;

  constructor(
    private readonly options: Extract<TraceOptions, { tracer: "prestateTracer" }>,
    private readonly maxBytes: number,
  ) {}

  begin(transaction: TracedTransaction, state: StateView): void {
    this.#state = state;
    this.#touch(transaction.from, state);
    if (transaction.to !== null) this.#touch(transaction.to, state);
    this.#touch(transaction.feeRecipient, state);
    for (const authority of transaction.authorities) this.#touch(authority, state);
  }

  enter(frame: TracedFrame): void {
    const state = this.#state;
    if (state === undefined) return;
    this.#touch(frame.from, state);
    if (frame.to === null) return;
    if (frame.type.startsWith("CREATE") && !this.#before.has(frame.to)) this.#created.add(frame.to);
    this.#touch(frame.to, state);
  }

  step(step: TraceStep, state: StateView): void {
    const touchesSlot = step.code === SLOAD || step.code === SSTORE;
    if (!touchesSlot && !NAMES_ACCOUNT.has(step.code)) return;
    const top = step.stack.at(-1);
    if (top === undefined) return;
    if (touchesSlot) {
      const slot = `0x${top.toString(16).padStart(2 * WORD, "0")}` as Bytes32;
      const account = this.#touch(step.address, state);
      if (!account.storage.has(slot)) {
        this.#spend(140);
        account.storage.set(slot, state.storage(step.address, slot));
      }
    } else {
      this.#touch(addressOfWord(top), state);
    }
  }

  end(_result: TraceEnd, state: StateView): TraceJson {
    if (this.options.diffMode) return this.#difference(state);
    const out: { [address: string]: TraceJson } = {};
    for (const [address, account] of this.#before) {
      if (account.exists && !this.#created.has(address)) out[address] = this.#format(account, false);
    }
    return out;
  }

  #touch(address: Address, state: StateView): Remembered {
    let known = this.#before.get(address);
    if (known === undefined) {
      known = look(state, address);
      this.#spend(200 + known.code.length * 2);
      this.#before.set(address, known);
    }
    return known;
  }

  #spend(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.maxBytes) throw traceTooLarge(this.maxBytes);
  }

  #format(account: Remembered, onlyNonZero: boolean): TraceJson {
    const out: { [key: string]: TraceJson } = { balance: `0x${account.balance.toString(16)}` };
    if (account.nonce > 0n) out["nonce"] = Number(account.nonce);
    if (account.code.length > 0 && !this.options.disableCode) out["code"] = toHex(account.code);
    const slots = [...account.storage].filter(([, value]) => !onlyNonZero || unpad(value).length > 0);
    if (slots.length > 0 && !this.options.disableStorage)
      out["storage"] = Object.fromEntries(slots.map(([slot, value]) => [slot, wordHex(value)]));
    return out;
  }

  #difference(state: StateView): TraceJson {
    const pre: { [address: string]: TraceJson } = {};
    const post: { [address: string]: TraceJson } = {};
    for (const [address, before] of this.#before) {
      const after = look(state, address);
      const changes: { [key: string]: TraceJson } = {};
      if (after.balance !== before.balance) changes["balance"] = `0x${after.balance.toString(16)}`;
      if (after.nonce !== before.nonce) changes["nonce"] = Number(after.nonce);
      if (toHex(after.code) !== toHex(before.code) && !this.options.disableCode)
        changes["code"] = toHex(after.code);
      const storage: { [slot: string]: string } = {};
      for (const [slot, value] of before.storage) {
        const now = after.exists ? state.storage(address, slot) : new Uint8Array(0);
        if (wordHex(now) === wordHex(value)) before.storage.delete(slot);
        else if (unpad(now).length > 0) storage[slot] = wordHex(now);
      }
      const storageChanged = before.storage.size > 0 && !this.options.disableStorage;
      if (Object.keys(storage).length > 0 && !this.options.disableStorage) changes["storage"] = storage;
      const isGone = before.exists && !after.exists;
      if (Object.keys(changes).length === 0 && !storageChanged && !isGone) continue;
      if (before.exists && !this.#created.has(address)) pre[address] = this.#format(before, true);
      if (!isGone && Object.keys(changes).length > 0) post[address] = changes;
    }
    return { pre, post };
  }
}
