import { blockStoreConformance } from "@aios/consensus/test/conformance/block-store.conformance";
import { stateStoreConformance } from "@aios/consensus/test/conformance/state-store.conformance";
import { transactionCodecConformance } from "@aios/consensus/test/conformance/transaction-codec.conformance";
import { ethereumCodec } from "./ethereum-node.js";
import { MemoryBlockStore } from "./memory-block-store.js";
import { MemoryStateStore } from "./memory-state-store.js";

const CHAIN_ID = 3_503_995_874_084_926;

blockStoreConformance("MemoryBlockStore", async () => ({
  blocks: new MemoryBlockStore(),
  close: async () => undefined,
}));

stateStoreConformance("MemoryStateStore", async () => {
  const states = new MemoryStateStore();
  return {
    states,
    commit: async (parentRoot, changes) => states.commit(parentRoot, changes),
    close: async () => undefined,
  };
});

transactionCodecConformance(
  "ethereumCodec",
  CHAIN_ID,
  ethereumCodec(CHAIN_ID),
  "transaction-type-not-supported",
);
