import { createHash } from "node:crypto";
import {
  decodeIndex,
  encodeIndex,
  type SnapshotPart,
  type SnapshotSource,
} from "@aios/consensus/domain/snapshot-index";
import { decodeAccount, encodeAccount } from "@aios/consensus/domain/state-commitment";
import { decodeRlp, encodeRlp, rlpBytes, rlpList } from "@aios/core-rlp/rlp";

/** A snapshot whose first account has a wei more than the chain gave it; its index names what it has. */
export async function withForgedState(source: SnapshotSource): Promise<SnapshotSource> {
  const { height, parts } = decodeIndex(await source.index());
  const at = parts.findIndex(({ kind }) => kind === "accounts");
  const bytes = richer(await source.part(at, parts[at] as SnapshotPart));
  const sha256 = createHash("sha256").update(bytes).digest();
  const forged = parts.with(at, { kind: "accounts", sizeBytes: bytes.length, sha256 });
  return {
    index: async () => encodeIndex({ height, parts: forged }),
    part: async (index, part) => (index === at ? bytes : source.part(index, part)),
  };
}

function richer(rows: Uint8Array): Uint8Array {
  const [first, ...others] = rlpList(decodeRlp(rows, 3));
  const [address, value] = rlpList(first).map(rlpBytes) as [Uint8Array, Uint8Array];
  const account = decodeAccount(value);
  return encodeRlp([[address, encodeAccount({ ...account, balance: account.balance + 1n })], ...others]);
}
