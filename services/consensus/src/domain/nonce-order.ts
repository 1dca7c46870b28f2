interface WithNonce {
  readonly sender: string;
  readonly nonce: number;
}

/** What becomes of a checkpoint's transactions before any of them runs. */
export interface NonceOrder<T> {
  readonly toRun: readonly T[];
  /** Their nonces were used before the checkpoint: they can never run again. */
  readonly used: readonly T[];
}

/**
 * The order in which a checkpoint runs, by the order alone and the nonces in its parent's state, so that it is the same on
 * every node whatever else it knows of the past: of copies the first stays, what was used before is left out, and what is
 * left is put in nonce order. A used one must not take part in that: it would push others out of their places. O(n log n).
 */
export function nonceOrder<T extends WithNonce & { readonly id: string }>(
  ordered: readonly T[],
  nonceOf: (sender: T["sender"]) => bigint,
): NonceOrder<T> {
  const seen = new Set<string>();
  const nonces = new Map<string, number>();
  const fresh: T[] = [];
  const used: T[] = [];
  for (const one of ordered) {
    if (seen.has(one.id)) continue;
    seen.add(one.id);
    const next = nonces.get(one.sender) ?? Number(nonceOf(one.sender));
    nonces.set(one.sender, next);
    (one.nonce < next ? used : fresh).push(one);
  }
  return { toRun: inNonceOrder(fresh), used };
}

/**
 * Nonces are a hard constraint of every order: within a checkpoint each sender keeps the places that its
 * transactions have, and fills them in the order of its nonces. Stable, the same on every node. O(n log n).
 */
export function inNonceOrder<T extends WithNonce>(ordered: readonly T[]): T[] {
  const bySender = new Map<string, T[]>();
  for (const one of ordered) {
    const own = bySender.get(one.sender);
    if (own === undefined) bySender.set(one.sender, [one]);
    else own.push(one);
  }
  const next = new Map<string, Iterator<T>>();
  for (const [sender, own] of bySender)
    next.set(sender, own.sort((a, b) => a.nonce - b.nonce)[Symbol.iterator]());
  return ordered.map(({ sender }) => next.get(sender)?.next().value as T);
}
