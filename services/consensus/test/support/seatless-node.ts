import { rankedElection } from "@aios/core-committee/election";
import { NO_HISTORY } from "@aios/core-honor-node/chain-history";
import type { NodeSettings } from "@aios/core-honor-node/node-settings";
import { dagOrder } from "@aios/core-honor-node/ordering-policy";
import { type Mock, vi } from "vitest";
import type { HonorHost } from "../../src/domain/honor-ports.js";

export const MEMBERS = [1, 2, 3, 4].map((seat) => ({
  account: `0x${String(seat).repeat(40)}`,
  publicKey: String(seat).repeat(96),
}));

/** Of a node without a seat, to whom every signature is good. */
export const SEATLESS: NodeSettings = {
  chain: {
    chainId: "test",
    time: { genesisTimeMs: 0, tickMs: 1_000, ticksPerSlot: 2, slotsPerEpoch: 10, epochsPerCycle: 10 },
    ghostdag: { k: 18, maxParents: 4, maxMergeset: 100, mergeDepth: 1_000, pruningDepth: 2_000 },
    genesisSet: { number: 0, members: MEMBERS },
    genesis: { root: "aa".repeat(32), candidates: [] },
    electionRules: { seats: 4, minimumStakeWei: 0n, hysteresisBps: 0, immunityCycles: 0 },
    maxBlockBytes: 100_000,
    maxBlockGas: 30_000_000,
    maxBlocksPerCheckpoint: 50,
    reputationWindow: 10,
    maxClockToleranceMs: 100,
    snapshotInterval: 1_000,
  },
  keys: { has: () => false, sign: () => "ab".repeat(96) },
  scheme: { verify: () => true, aggregate: () => new Uint8Array(96), verifyAggregate: () => true },
  election: rankedElection,
  ordering: dagOrder,
  timeouts: { proposeMs: 1_000, prevoteMs: 500, precommitMs: 500, backOffMs: 100 },
  checkpointIntervalMs: 500,
  emptyAfterMs: 200,
  gossipMs: 1_000,
  clockToleranceMs: 100,
  maxTransactionsPerBlock: 10,
  poolCapacity: 20,
  maxWaitingBlocks: 10,
  maxWaitingBytes: 1_000_000,
  maxRoundsAhead: 20,
  maxHeldBytes: 1_000_000,
  unprunedHeights: 16,
  history: NO_HISTORY,
};

/** A host that only remembers what it was told. */
export const deafHost = (): { readonly [Name in keyof HonorHost]: Mock<HonorHost[Name]> } => ({
  execute: vi.fn(),
  gossiped: vi.fn(),
  decided: vi.fn(),
  rejected: vi.fn(),
  offence: vi.fn(),
  refused: vi.fn(),
  logFailed: vi.fn(),
  failed: vi.fn(),
});
