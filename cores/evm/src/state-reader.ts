/** What a state keeps of an account (Yellow Paper 4.1); the storage root is the business of the trie. */
export interface AccountRecord {
  readonly nonce: bigint;
  /** Wei. */
  readonly balance: bigint;
  /** 32 bytes; keccak-256 of no bytes where there is no code. */
  readonly codeHash: Uint8Array;
  /** Whether any slot is not zero: decides an address collision of a creation (EIP-7610). */
  readonly hasStorage: boolean;
}

/**
 * A committed state. Synchronous and stable: what it answers for a key must not change while a `WorldState` leans on
 * it. Every key is asked at most once per `WorldState`. Arguments are fresh and may be kept.
 */
export interface StateReader {
  /** `undefined` for an account that is not in the state trie. Address: 20 bytes. */
  account(address: Uint8Array): AccountRecord | undefined;
  /** Never asked for the hash of no code. */
  code(codeHash: Uint8Array): Uint8Array;
  /** Big-endian value of at most 32 bytes, leading zeros or none; empty for zero. Slot: 32 bytes. */
  storage(address: Uint8Array, slot: Uint8Array): Uint8Array;
}
