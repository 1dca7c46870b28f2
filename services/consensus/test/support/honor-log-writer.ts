import { LmdbHonorLog } from "@aios/consensus/adapters/lmdb/lmdb-honor-log";
import { entriesOfBatch } from "./honor-log-batches.js";

// Appends batch after batch, each acknowledged by a line once it is on disk, until it is killed.
const [directory] = process.argv.slice(2) as [string];
const log = new LmdbHonorLog(directory, "test");
for (let batch = [...log.load()].length === 0 ? 0 : Number(process.argv[3]); ; batch++) {
  await log.append(entriesOfBatch(batch));
  process.stdout.write(`${batch}\n`);
}
