/**
 * The seat among `seats` that puts a sender's transactions into its blocks during a slot (duty nodes
 * split the mempool by sender hash).
 *
 * Highest random weight: a seat that falls out (silent, replaced) loses its own senders only, and each slot deals anew,
 * so that no seat holds a sender back for longer than a slot. Weights are mixed from the address with MurmurHash3's
 * finaliser: addresses are hashes already, and whoever grinds one gains a maker for some slots, never a place in the order.
 *
 * `sender`: 20 bytes. `seats` is not empty. Cost: O(seats), no cryptographic hash.
 */
export function seatForSender(sender: Uint8Array, slot: number, seats: readonly number[]): number {
  const seed = mix(foldSender(sender) ^ mix(slot));
  let best = seats[0] as number;
  let bestWeight = -1;
  for (const seat of seats) {
    const weight = mix(seed ^ mix(seat + 1));
    if (weight > bestWeight || (weight === bestWeight && seat < best)) {
      best = seat;
      bestWeight = weight;
    }
  }
  return best;
}

function foldSender(sender: Uint8Array): number {
  let folded = 0;
  for (let at = 0; at < sender.length; at += 4) {
    const word =
      ((sender[at] ?? 0) << 24) |
      ((sender[at + 1] ?? 0) << 16) |
      ((sender[at + 2] ?? 0) << 8) |
      (sender[at + 3] ?? 0);
    folded = mix(folded ^ word);
  }
  return folded;
}

function mix(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
