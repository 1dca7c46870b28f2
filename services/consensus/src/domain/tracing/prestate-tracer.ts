import { toHex, unpad } from "@aios/core-rlp/hex";
import { EMPTY_CODE_HASH } from "@aios/core-trie/empty-hashes";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { delegateOf } from "../delegation.js";
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
const SELFDESTRUCT = 0xff;
const WORD = 32;
const NO_HASH = `0x${"00".repeat(WORD)}` as Bytes32;
/** BALANCE, EXTCODESIZE, EXTCODECOPY, EXTCODEHASH, SELFDESTRUCT: the address is on top of the stack. */
const NAMES_ACCOUNT: ReadonlySet<number> = new Set([0x31, 0x3b, 0x3c, 0x3f, SELFDESTRUCT]);

interface Fields {
  readonly balance: bigint;
  readonly nonce: bigint;
  readonly code: Uint8Array;
  /** Of an account that does not exist: none. */
  readonly codeHash: Bytes32 | undefined;
}

interface Remembered extends Fields {
  readonly storage: Map<Bytes32, Uint8Array>;
}

function look(state: StateView, address: Address): Fields {
  const account = state.account(address);
  const code =
    account === undefined || account.codeHash === EMPTY_CODE_HASH
      ? new Uint8Array(0)
      : state.code(account.codeHash);
  return {
    balance: account?.balance ?? 0n,
    nonce: account?.nonce ?? 0n,
    code,
    codeHash: account?.codeHash,
  };
}

function isEmpty({ balance, nonce, code }: Fields): boolean {
  return balance === 0n && nonce === 0n && code.length === 0;
}

function wordHex(value: Uint8Array): string {
  return `0x${toHex(value)
    .slice(2)
    .padStart(2 * WORD, "0")}`;
}

/**
 * Geth's prestateTracer: every account and slot that the transaction touches, as it was before. With `diffMode`, what
 * it changed, before and after. What an instruction names that fails is not shown.
 */
export class PrestateTracer implements Tracer {
  readonly #before = new Map<Address, Remembered>();
  readonly #created = new Set<Address>();
  readonly #destroyed = new Set<Address>();
  #state: StateView | undefined;
  #destroysOnlyNew = true;
  #depth = 0;
  #bytes = 0;
  /** Forgets what the instruction in progress has added. */
  #takeBack: (() => void) | undefined;

  constructor(
    private readonly options: Extract<TraceOptions, { tracer: "prestateTracer" }>,
    private readonly maxBytes: number,
  ) {}

  begin(transaction: TracedTransaction, state: StateView): void {
    this.#state = state;
    this.#destroysOnlyNew = transaction.destroysOnlyNew;
    this.#touch(transaction.from, state);
    if (transaction.to !== null) this.#touchCalled(transaction.to, state);
    this.#touch(transaction.feeRecipient, state);
    for (const authority of transaction.authorities) this.#touch(authority, state);
  }

  enter(frame: TracedFrame): void {
    const state = this.#state;
    const isOutermost = this.#depth++ === 0;
    if (state === undefined || frame.to === null) return;
    if (frame.type.startsWith("CREATE")) {
      this.#created.add(frame.to);
      this.#touch(frame.to, state);
    } else if (!isOutermost) this.#touchCalled(frame.to, state);
  }

  exit(): void {
    this.#depth--;
  }

  step(step: TraceStep, state: StateView): void {
    this.#takeBack = undefined;
    if (step.code === SLOAD || step.code === SSTORE) this.#seeSlot(step, state);
    else if (NAMES_ACCOUNT.has(step.code)) this.#seeAccount(step, state);
  }

  stepFailed(): void {
    this.#takeBack?.();
    this.#takeBack = undefined;
  }

  end(_result: TraceEnd, state: StateView): TraceJson {
    const post = this.options.diffMode ? this.#changes(state) : undefined;
    const pre: { [address: string]: TraceJson } = {};
    for (const [address, account] of this.#before)
      if (this.options.includeEmpty || !isEmpty(account)) pre[address] = this.#format(account);
    return post === undefined ? pre : { pre, post };
  }

  #seeSlot(step: TraceStep, state: StateView): void {
    const top = step.stack.at(-1);
    if (top === undefined || this.options.disableStorage) return;
    const slot = `0x${top.toString(16).padStart(2 * WORD, "0")}` as Bytes32;
    const { storage } = this.#touch(step.address, state);
    if (storage.has(slot)) return;
    this.#spend(140);
    storage.set(slot, state.storage(step.address, slot));
    this.#takeBack = () => storage.delete(slot);
  }

  #seeAccount(step: TraceStep, state: StateView): void {
    const top = step.stack.at(-1);
    if (top === undefined) return;
    const named = addressOfWord(top);
    const isKnown = this.#before.has(named);
    this.#touch(named, state);
    const self = step.address;
    const destroys =
      step.code === SELFDESTRUCT &&
      !this.#destroyed.has(self) &&
      (!this.#destroysOnlyNew || this.#created.has(self));
    if (destroys) this.#destroyed.add(self);
    this.#takeBack = () => {
      if (!isKnown) this.#before.delete(named);
      if (destroys) this.#destroyed.delete(self);
    };
  }

  /** An account whose code runs, and the one that it leaves this to (EIP-7702). */
  #touchCalled(address: Address, state: StateView): void {
    this.#touch(address, state);
    const delegate = delegateOf(look(state, address).code);
    if (delegate !== undefined) this.#touch(delegate, state);
  }

  #touch(address: Address, state: StateView): Remembered {
    let known = this.#before.get(address);
    if (known === undefined) {
      known = { ...look(state, address), storage: new Map() };
      this.#spend(200 + known.code.length * 2);
      this.#before.set(address, known);
    }
    return known;
  }

  #spend(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.maxBytes) throw traceTooLarge(this.maxBytes);
  }

  #format(account: Remembered): TraceJson {
    const { balance, nonce, code, codeHash, storage } = account;
    const out: { [key: string]: TraceJson } = { balance: `0x${balance.toString(16)}` };
    if (nonce > 0n) out["nonce"] = Number(nonce);
    if (code.length > 0) {
      if (!this.options.disableCode) out["code"] = toHex(code);
      if (codeHash !== undefined) out["codeHash"] = codeHash;
    }
    if (storage.size > 0)
      out["storage"] = Object.fromEntries([...storage].map(([slot, value]) => [slot, wordHex(value)]));
    return out;
  }

  /** What there is after; forgets accounts and slots that are as before. Destroyed accounts have no after. */
  #changes(state: StateView): TraceJson {
    const post: { [address: string]: TraceJson } = {};
    for (const [address, before] of this.#before) {
      if (this.#destroyed.has(address)) continue;
      const changes = this.#changesOf(address, before, state);
      if (changes === undefined) this.#before.delete(address);
      else post[address] = changes;
    }
    return post;
  }

  #changesOf(
    address: Address,
    before: Remembered,
    state: StateView,
  ): { readonly [key: string]: TraceJson } | undefined {
    const after = look(state, address);
    const out: { [key: string]: TraceJson } = {};
    if (after.balance !== before.balance) out["balance"] = `0x${after.balance.toString(16)}`;
    if (after.nonce !== before.nonce) out["nonce"] = Number(after.nonce);
    const codeHash = after.codeHash ?? NO_HASH;
    // An account that does not exist had the hash of no code, and has none: as Geth shows it.
    if (codeHash !== (before.codeHash ?? EMPTY_CODE_HASH)) out["codeHash"] = codeHash;
    if (!this.options.disableCode && toHex(after.code) !== toHex(before.code))
      out["code"] = toHex(after.code);
    const written = this.#writtenSlots(address, before, state);
    if (written !== undefined && Object.keys(written).length > 0) out["storage"] = written;
    return Object.keys(out).length === 0 && written === undefined ? undefined : out;
  }

  /** Slots that have another value than before, without those that are zero now; `undefined` where none has. */
  #writtenSlots(
    address: Address,
    { storage }: Remembered,
    state: StateView,
  ): { readonly [slot: string]: string } | undefined {
    const out: { [slot: string]: string } = {};
    let isChanged = false;
    for (const [slot, value] of storage) {
      const now = state.storage(address, slot);
      const isSame = wordHex(now) === wordHex(value);
      if (isSame || unpad(value).length === 0) storage.delete(slot);
      if (isSame) continue;
      isChanged = true;
      if (unpad(now).length > 0) out[slot] = wordHex(now);
    }
    return isChanged ? out : undefined;
  }
}
