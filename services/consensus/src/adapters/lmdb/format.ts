import type { RootDatabase } from "lmdb";
import { chainFormatUnknown } from "../../domain/errors.js";
import { recordOf } from "./mempool-record.js";

/** Version of the layout that this release writes. */
export const FORMAT = 3;

const ARRIVAL_BYTES = 8;

/**
 * Brings a directory of an earlier release to this one's layout, all of it or nothing; says what layout a new one has.
 * Throws `chain-format-unknown` for a directory that a later release wrote.
 */
export function upgradeFormat(root: RootDatabase): void {
  const meta = root.openDB<Buffer, string>({ name: "meta", encoding: "binary" });
  const stored = meta.get("format")?.[0];
  if (stored === FORMAT) return;
  if (stored !== undefined && stored > FORMAT) throw chainFormatUnknown(stored, FORMAT);
  root.transactionSync(() => {
    if (stored === 1) gatherMempool(root);
    // Format 2 has all trie nodes by hash, where they stay.
    meta.putSync("format", Buffer.from([FORMAT]));
  });
}

/** Format 1 kept each waiting transaction by its hash: arrival in ms (8 bytes) and raw transaction. */
function gatherMempool(root: RootDatabase): void {
  const single = root.openDB<Buffer, Uint8Array>({
    name: "mempool",
    encoding: "binary",
    keyEncoding: "binary",
  });
  const records = root.openDB<Buffer, number>({
    name: "mempool-records",
    encoding: "binary",
    keyEncoding: "uint32",
  });
  const entries = [...single.getRange()].map(({ value }) => ({
    raw: value.subarray(ARRIVAL_BYTES),
    receivedAtMs: Number(value.readBigUInt64BE()),
  }));
  entries.sort((a, b) => a.receivedAtMs - b.receivedAtMs);
  for (const [record, entry] of entries.entries()) records.putSync(record, recordOf([entry]));
  single.clearSync();
}
