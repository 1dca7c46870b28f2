import { describe, expect, it } from "vitest";
import { DEFAULT_CHAIN_SIZES, type HonorGenesis } from "../domain/honor-genesis.js";
import { settingsOn } from "./node-settings.js";

describe("what a node runs with", () => {
  const sizes = { maxTransactionBytes: 2_048, maxDagBlockBytes: 4_096, maxBlockBytes: 8_192 };
  const genesis = { honor: { sizes } as HonorGenesis };
  const chosen = { maxTransactionBytes: 9, maxBlockBytes: 99, maxBlockExecutionMs: 999, maxBatch: 7 };

  it("is what its operator chose where it makes the chain alone", () => {
    expect(settingsOn({}, false, chosen)).toMatchObject(chosen);
  });

  it("is what genesis says where it decides the state of an honor chain", () => {
    expect(settingsOn(genesis, true, chosen)).toMatchObject({
      maxTransactionBytes: 2_048,
      maxBlockBytes: 8_192,
      maxBlockExecutionMs: Number.POSITIVE_INFINITY,
      maxBatch: 7,
    });
    const { maxTransactionBytes, maxBlockBytes } = DEFAULT_CHAIN_SIZES;
    expect(settingsOn({}, true)).toMatchObject({ maxTransactionBytes, maxBlockBytes });
  });
});
