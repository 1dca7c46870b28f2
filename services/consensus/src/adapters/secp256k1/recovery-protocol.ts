/** What recovers one sender: message hash, r and s, y parity. */
export const REQUEST_BYTES = 32 + 64 + 1;
/** 1 and an address, or 0 and nothing where the signature gives no key. */
export const ANSWER_BYTES = 1 + 20;

/** A run of requests; answers come in the same order. */
export interface RecoveryBatch {
  readonly requests: Uint8Array<ArrayBuffer>;
}

export interface RecoveryAnswer {
  readonly answers: Uint8Array<ArrayBuffer>;
}
