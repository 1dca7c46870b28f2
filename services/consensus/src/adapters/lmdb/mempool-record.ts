/** A transaction of the journal, and when it arrived. */
export interface JournalEntry {
  readonly raw: Uint8Array;
  readonly receivedAtMs: number;
}

const ARRIVAL_BYTES = 8;
const LENGTH_BYTES = 4;
const ENTRY_BYTES = ARRIVAL_BYTES + LENGTH_BYTES;

/** A run of entries: arrival in ms (8 bytes), length (4 bytes), raw transaction. */
export function recordOf(entries: readonly JournalEntry[]): Buffer {
  const out = Buffer.allocUnsafe(entries.reduce((sum, { raw }) => sum + ENTRY_BYTES + raw.length, 0));
  let at = 0;
  for (const { raw, receivedAtMs } of entries) {
    out.writeBigUInt64BE(BigInt(receivedAtMs), at);
    out.writeUInt32BE(raw.length, at + ARRIVAL_BYTES);
    out.set(raw, at + ENTRY_BYTES);
    at += ENTRY_BYTES + raw.length;
  }
  return out;
}

export function* entriesOf(record: Buffer): Iterable<JournalEntry> {
  for (let at = 0; at < record.length; ) {
    const start = at + ENTRY_BYTES;
    const end = start + record.readUInt32BE(at + ARRIVAL_BYTES);
    yield { raw: record.subarray(start, end), receivedAtMs: Number(record.readBigUInt64BE(at)) };
    at = end;
  }
}
