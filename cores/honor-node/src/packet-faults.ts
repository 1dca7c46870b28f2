/**
 * What may be wrong with what a peer sent: the name under which it is counted, and what it costs the peer in points.
 *
 * - 0: honest nodes do it too, for their pace, their clock, what others signed, or a network that loses, repeats and delays.
 * - 1: an honest node may do it now and then. As much is forgiven each second, so that only who goes on with it is banned.
 * - more: no honest node does it. Whatever it passes on it has checked, by rules whose outcome is the same everywhere.
 */
export const PACKET_FAULTS = {
  // Frames and packets, whatever they carry.
  "frame-too-large": 100,
  "unsupported-packet": 50,
  "malformed-packet": 50,
  "too-many-packets": 5,
  "too-many-transactions": 5,
  "log-behind": 0,
  "execution-behind": 0,
  // Streams.
  "peer-silent": 0,
  "peer-not-reading": 0,
  // Transactions.
  transaction: 50,
  "transaction-unread": 0,
  // Blocks, as they show themselves.
  "invalid-signature": 20,
  "set-unknown": 0,
  "tick-in-future": 0,
  "tick-before-set": 20,
  "below-pruning-point": 0,
  "parent-count": 50,
  "block-too-large": 50,
  "block-gas": 50,
  "too-many-of-tick": 0,
  "too-many-blocks": 0,
  // Blocks, among their parents.
  "tick-before-parent": 20,
  "redundant-parent": 20,
  "second-of-tick": 20,
  "off-duty": 20,
  "merge-too-deep": 20,
  "mergeset-too-large": 20,
  // What is asked for and answered.
  "compact-mismatch": 1,
  "wrong-transactions": 20,
  unasked: 1,
  "no-answer": 0,
  "over-budget": 0,
  // Votes and decisions.
  "vote-of-stranger": 20,
  "vote-from-ahead": 0,
  "vote-too-many": 0,
  contradiction: 20,
  "certificate-signers": 20,
  "certificate-signature": 20,
  "decision-of-other-history": 20,
  "decision-mismatch": 20,
  "next-set-missing": 20,
  // Snapshots.
  "invalid-snapshot": 50,
} as const;

/** Points from which a peer is banned, and for how long; as many are forgiven each second. */
export const PEER_BAN = { banAt: 200, banMs: 60_000, forgivenPerSecond: 1 } as const;

export type PacketFault = keyof typeof PACKET_FAULTS;

/** Whether no honest node does it. */
export function isMalice(fault: PacketFault): boolean {
  return PACKET_FAULTS[fault] > 1;
}
