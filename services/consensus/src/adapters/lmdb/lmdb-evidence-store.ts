import { fromHex } from "@aios/core-rlp/hex";
import type { EvidenceRecord, EvidenceStore } from "../../domain/honor-ports.js";
import type { ChainDatabase } from "./chain-database.js";

/** Evidence by the key of the guilty, as JSON: what there is of it is little, and made to be read. */
export class LmdbEvidenceStore implements EvidenceStore {
  constructor(private readonly database: ChainDatabase) {}

  async put(record: EvidenceRecord): Promise<void> {
    const { evidence } = this.database;
    const key = fromHex(`0x${record.offence.publicKey}`);
    await this.database.committed(evidence.put(key, Buffer.from(JSON.stringify(record))));
  }

  records(): EvidenceRecord[] {
    return [...this.database.evidence.getRange()]
      .map(({ value }) => JSON.parse(value.toString()) as EvidenceRecord)
      .sort((a, b) => a.foundAtHeight - b.foundAtHeight);
  }
}
