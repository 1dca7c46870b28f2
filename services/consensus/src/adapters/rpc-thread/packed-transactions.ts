import { decodeTransaction } from "@aios/core-transactions/decode-transaction";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { SignedTransaction } from "../../domain/transaction.js";

/** Characters of a hash and of a sender, hex behind `0x`. */
const HASH_CHARS = 66;
const SENDER_CHARS = 42;
const GAS_BYTES = 8;
const LENGTH_BYTES = 4;
const GAS_AT = HASH_CHARS + SENDER_CHARS;
const LENGTH_AT = GAS_AT + GAS_BYTES;
const FACTS_BYTES = LENGTH_AT + LENGTH_BYTES;

/** Checked transactions as they go from one thread to another, with what was costly to find out: in one piece of memory. */
export type PackedTransactions = Uint8Array<ArrayBuffer>;

/** Linear in the bytes of the transactions. */
export function packTransactions(transactions: readonly SignedTransaction[]): PackedTransactions {
  let length = 0;
  for (const { raw } of transactions) length += FACTS_BYTES + raw.length;
  const out = new Uint8Array(length);
  const chars = Buffer.from(out.buffer);
  const numbers = new DataView(out.buffer);
  let at = 0;
  for (const { hash, sender, minimumGas, raw } of transactions) {
    chars.write(hash, at, HASH_CHARS, "latin1");
    chars.write(sender, at + HASH_CHARS, SENDER_CHARS, "latin1");
    numbers.setFloat64(at + GAS_AT, Number(minimumGas));
    numbers.setUint32(at + LENGTH_AT, raw.length);
    out.set(raw, at + FACTS_BYTES);
    at += FACTS_BYTES + raw.length;
  }
  return out;
}

/** Inverse of `packTransactions`. Each has bytes of its own: what waits for long holds on to no other's. */
export function unpackTransactions(packed: PackedTransactions): SignedTransaction[] {
  const chars = Buffer.from(packed.buffer, packed.byteOffset, packed.length);
  const numbers = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const out: SignedTransaction[] = [];
  for (let at = 0; at < packed.length; ) {
    const start = at + FACTS_BYTES;
    const end = start + numbers.getUint32(at + LENGTH_AT);
    out.push({
      ...decodeTransaction(packed.slice(start, end)),
      hash: chars.toString("latin1", at, at + HASH_CHARS) as Bytes32,
      sender: chars.toString("latin1", at + HASH_CHARS, at + GAS_AT) as Address,
      minimumGas: BigInt(numbers.getFloat64(at + GAS_AT)),
    });
    at = end;
  }
  return out;
}
