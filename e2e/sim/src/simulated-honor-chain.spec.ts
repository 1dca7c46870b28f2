import { describe, expect, it } from "vitest";
import { simulateHonorChain } from "./simulated-honor-chain.js";

describe("a simulated honor chain", () => {
  it("orders each transaction once, also where blocks are made as fast as they travel", () => {
    const { ordered, offered, receivedByKind } = simulateHonorChain({
      nodes: 21,
      crashed: 0,
      blocksPerSecond: 10,
      transactionsPerSecond: 100,
      transactionBytes: 1_000,
      warmUpMs: 2_000,
      runMs: 8_000,
    });
    // Of the last second some are not ordered yet; at a change of slots a block in flight may be made again.
    expect(ordered / offered).toBeGreaterThan(0.7);
    expect(ordered / offered).toBeLessThan(1.05);
    // Once, as gossip: a block names what peers have.
    expect(receivedByKind.get("transactions")).toBeLessThan(1.05);
    expect(receivedByKind.get("compact-block")).toBeGreaterThan(0);
    const asBlocks = ["block", "compact-block", "want-transactions", "block-transactions"];
    expect(asBlocks.reduce((sum, kind) => sum + (receivedByKind.get(kind) ?? 0), 0)).toBeLessThan(0.3);
  });
});
