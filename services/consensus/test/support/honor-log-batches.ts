import type { LogEntry } from "@aios/core-honor-node/node-protocol";

const hex = (value: number): string => value.toString(16).padStart(64, "0");

/** What one batch writes: two blocks, and what the node said meanwhile. */
export function entriesOfBatch(batch: number): LogEntry[] {
  const block = (seat: number): LogEntry => ({
    kind: "block",
    block: {
      setNumber: 0,
      seat,
      tick: batch,
      parents: [hex(batch)],
      transactions: [
        {
          id: hex(batch),
          sender: `0x${"ab".repeat(20)}`,
          nonce: batch,
          payload: new Uint8Array(3_000).fill(seat),
        },
      ],
      signature: "ab".repeat(96),
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
