import { type Code, EMPTY_CODE } from "./code.js";
import { toAddressBytes } from "./word.js";

/** An account as the transactions of a block see it. Changed through `WorldState` only, which keeps the undo log. */
export class Account {
  /** Five limbs and three zeros: ready to be copied to the stack. */
  readonly word: Int32Array;
  /** The address as a number where it is below 2^31, else 0: precompiles are found by it. */
  readonly small: number;
  nonce = 0n;
  balance = 0n;
  code: Code = EMPTY_CODE;
  /** In the state trie before this block. */
  existedBefore = false;
  /** Has slots that are not zero in the committed state, and they are not cleared. */
  hasCommittedStorage = false;
  /** Slots are filed under this number; it changes when the storage is cleared. */
  storageId: number;
  /** Storage of the committed state is gone. */
  cleared = false;
  /** Transactions in which it is warm (EIP-2929), created, destroyed and touched (EIP-161). */
  warmIn = 0;
  createdIn = 0;
  destroyedIn = 0;
  touchedIn = 0;
  /** Changed in this block. */
  dirty = false;
  /** Gone from the state trie, or never there. */
  absent = true;
  #bytes: Uint8Array | undefined;

  constructor(word: Int32Array, storageId: number) {
    this.word = word;
    this.storageId = storageId;
    this.small = (word[1] | word[2] | word[3] | word[4]) === 0 && word[0] > 0 ? word[0] : 0;
  }

  /** 20 bytes; not to be changed. */
  get bytes(): Uint8Array {
    this.#bytes ??= toAddressBytes(this.word, 0);
    return this.#bytes;
  }

  /** EIP-161: no nonce, no balance, no code. */
  get isEmpty(): boolean {
    return this.nonce === 0n && this.balance === 0n && this.code.length === 0;
  }
}
