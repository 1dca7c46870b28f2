import { OpenTransactions } from "@aios/consensus/adapters/plain/open-transactions";
import { ParentHashBeacon } from "@aios/consensus/adapters/plain/parent-hash-beacon";
import { SEALED_TYPE } from "@aios/consensus/domain/transaction";
import { beaconConformance } from "../conformance/beacon.conformance.js";
import { transactionOpenerConformance } from "../conformance/transaction-opener.conformance.js";
import { sampleCodec } from "../support/sample-blocks.js";

beaconConformance("ParentHashBeacon", () => new ParentHashBeacon());

transactionOpenerConformance("OpenTransactions", {
  open: (seen) => new OpenTransactions(sampleCodec, (hash) => seen.find((one) => one.hash === hash)),
  closed: {
    transaction: {
      id: "5e".repeat(32),
      sender: `0x${"11".repeat(20)}`,
      nonce: 0,
      gasLimit: 21_000,
      payload: Uint8Array.of(SEALED_TYPE, 1, 2, 3),
    },
    code: "sealed-transaction-not-admitted",
  },
});
