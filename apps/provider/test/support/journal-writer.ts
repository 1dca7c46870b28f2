import { FileLeaseJournal } from "../../src/adapters/file/file-lease-journal.js";
import { crashBytes, crashLease } from "./crash-entries.js";

/** Writes entries until it is killed, and says the number of each that is written. */
const journal = await FileLeaseJournal.open(process.argv[2] ?? "");
for (let number = 1; ; number++) {
  await journal.putGrant(crashLease(number), crashBytes(number));
  await journal.putOutcome(crashLease(number), crashBytes(number));
  console.log(number);
}
