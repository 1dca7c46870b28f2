import type { ChainBase } from "@aios/core-honor-node/chain-base";
import type { OrderedTransaction } from "@aios/core-honor-node/dag-block";
import type { LogEntry } from "@aios/core-honor-node/node-protocol";

const hex = (value: number): string => value.toString(16).padStart(64, "0");

/** The transaction of a block of that batch. */
export function transactionOf(batch: number, seat = 0): OrderedTransaction {
  return {
    id: hex(batch),
    sender: `0x${"ab".repeat(20)}`,
    nonce: batch,
    gasLimit: 21_000,
    payload: new Uint8Array(3_000).fill(seat),
  };
}

/** What one batch writes: two blocks, and what the node said meanwhile. */
export function entriesOfBatch(batch: number): LogEntry[] {
  const block = (seat: number): LogEntry => ({
    kind: "block",
    block: {
      setNumber: 0,
      seat,
      tick: batch,
      parents: [hex(batch)],
      transactions: [transactionOf(batch, seat)],
      signature: "ab".repeat(96),
    },
    colouring: {
      blueScore: batch,
      selectedParent: hex(batch),
      mergeRoot: hex(0),
      mergesetBlues: [hex(batch)],
      mergesetReds: [],
      sizedBlues: [hex(batch)],
      anticoneSizes: [0],
    },
  });
  const vote = { kind: "prevote", height: batch, round: 0, sender: 1, checkpointId: hex(batch) } as const;
  return [
    block(0),
    {
      kind: "safety",
      record: {
        height: batch,
        round: 0,
        step: "prevote",
        lockedRound: -1,
        locked: undefined,
        validRound: -1,
        valid: undefined,
        justification: [],
        sent: [vote],
      },
    },
    block(1),
  ];
}

const set = {
  number: 0,
  members: [1, 2, 3, 4].map((seat) => ({
    account: `0x${String(seat).repeat(40)}`,
    publicKey: String(seat).repeat(96),
  })),
};

/** The decision of a height; that of height 2 hands over. */
export function decisionOf(height: number): LogEntry {
  const certificate = {
    height,
    round: 0,
    checkpointId: hex(height),
    signers: Uint8Array.of(7),
    signature: new Uint8Array(96),
  };
  const checkpoint = {
    height,
    parentId: hex(height - 1),
    parentRound: 0,
    tip: hex(height),
    tick: height,
    attestedRoot: hex(height),
    nextSetId: hex(1),
  };
  const nextSet = height === 2 ? { ...set, number: 1 } : undefined;
  return { kind: "decision", decision: { checkpoint, certificate, nextSet } };
}

export function baseOf(root: string, height: number, firstDecision: number): ChainBase {
  return { root, height, firstDecision, reigns: [{ set, fromHeight: 1, fromTick: 0 }] };
}
