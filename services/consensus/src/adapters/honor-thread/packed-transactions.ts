import type { OrderedTransaction } from "@aios/core-honor-node/dag-block";

/** Characters of an id and of a sender: hex, the latter behind `0x`. */
const ID_CHARS = 64;
const SENDER_CHARS = 42;
const NUMBER_BYTES = 8;
const LENGTH_BYTES = 4;
const NONCE_AT = ID_CHARS + SENDER_CHARS;
const GAS_AT = NONCE_AT + NUMBER_BYTES;
const LENGTH_AT = GAS_AT + NUMBER_BYTES;
const FACTS_BYTES = LENGTH_AT + LENGTH_BYTES;

/** Transactions as they go from one thread to another: in one piece of memory, which the sender gives away. */
export type PackedTransactions = Uint8Array<ArrayBuffer>;

/** Packs transactions, with ids and senders of the form that each has. Linear in their bytes. */
export function packTransactions(transactions: readonly OrderedTransaction[]): PackedTransactions {
  let length = 0;
  for (const { payload } of transactions) length += FACTS_BYTES + payload.length;
  const out = new Uint8Array(length);
  const chars = Buffer.from(out.buffer);
  const numbers = new DataView(out.buffer);
  let at = 0;
  for (const { id, sender, nonce, gasLimit, payload } of transactions) {
    chars.write(id, at, ID_CHARS, "latin1");
    chars.write(sender, at + ID_CHARS, SENDER_CHARS, "latin1");
    numbers.setFloat64(at + NONCE_AT, nonce);
    numbers.setFloat64(at + GAS_AT, gasLimit);
    numbers.setUint32(at + LENGTH_AT, payload.length);
    out.set(payload, at + FACTS_BYTES);
    at += FACTS_BYTES + payload.length;
  }
  return out;
}

/** Inverse of `packTransactions`. Payloads are views into `packed`: whoever keeps one for long copies it. */
export function unpackTransactions(packed: PackedTransactions): OrderedTransaction[] {
  const chars = Buffer.from(packed.buffer, packed.byteOffset, packed.length);
  const numbers = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const out: OrderedTransaction[] = [];
  for (let at = 0; at < packed.length; ) {
    const start = at + FACTS_BYTES;
    const end = start + numbers.getUint32(at + LENGTH_AT);
    out.push({
      id: chars.toString("latin1", at, at + ID_CHARS),
      sender: chars.toString("latin1", at + ID_CHARS, at + NONCE_AT),
      nonce: numbers.getFloat64(at + NONCE_AT),
      gasLimit: numbers.getFloat64(at + GAS_AT),
      payload: packed.subarray(start, end),
    });
    at = end;
  }
  return out;
}
