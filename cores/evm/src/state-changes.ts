/** What a block did to one account. */
export type AccountChange =
  | { readonly address: Uint8Array; readonly deleted: true }
  | {
      readonly address: Uint8Array;
      readonly deleted: false;
      readonly nonce: bigint;
      readonly balance: bigint;
      readonly codeHash: Uint8Array;
      /** All slots of the committed state are gone before `slots` applies. */
      readonly storageCleared: boolean;
      /** 32-byte keys and values; a zero value deletes the slot. */
      readonly slots: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[];
    };

/** The difference that the transactions of one `WorldState` made. */
export interface StateChanges {
  readonly accounts: readonly AccountChange[];
  /** The code of every changed account that has some, known to the committed state or not. */
  readonly codes: readonly { readonly hash: Uint8Array; readonly bytes: Uint8Array }[];
}
