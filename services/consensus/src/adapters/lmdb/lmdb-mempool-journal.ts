import { fromHex } from "@aios/core-rlp/hex";
import type { Bytes32 } from "@aios/kernel/identifiers";
import type { MempoolJournal } from "../../domain/ports.js";
import type { SignedTransaction } from "../../domain/transaction.js";
import type { ChainDatabase } from "./chain-database.js";

const ARRIVAL_BYTES = 8;

/** Admitted transactions; concurrent additions share one write. */
export class LmdbMempoolJournal implements MempoolJournal {
  constructor(private readonly database: ChainDatabase) {}

  async add(transaction: SignedTransaction, receivedAtMs: number): Promise<void> {
    const value = Buffer.alloc(ARRIVAL_BYTES + transaction.raw.length);
    value.writeBigUInt64BE(BigInt(receivedAtMs));
    value.set(transaction.raw, ARRIVAL_BYTES);
    await this.database.mempool.put(fromHex(transaction.hash), value);
  }

  async remove(hashes: readonly Bytes32[]): Promise<void> {
    await Promise.all(hashes.map((hash) => this.database.mempool.remove(fromHex(hash))));
  }

  *entries(): Iterable<{ readonly raw: Uint8Array; readonly receivedAtMs: number }> {
    for (const { value } of this.database.mempool.getRange()) {
      yield { raw: value.subarray(ARRIVAL_BYTES), receivedAtMs: Number(value.readBigUInt64BE()) };
    }
  }
}
