/**
 * Nonces are a hard constraint of every order (chain.md "Shape"): within a checkpoint each sender keeps the places that its
 * transactions have, and fills them in the order of its nonces. Stable, the same on every node. O(n log n).
 */
export function inNonceOrder<T extends { readonly sender: string; readonly nonce: number }>(
  ordered: readonly T[],
): T[] {
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
