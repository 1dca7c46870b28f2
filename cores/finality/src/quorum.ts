/** How many of a set of `size` votes count: the only numbers in which safety rests. */
export interface Quorum {
  /** Nodes in the set. */
  readonly size: number;
  /** ⌊2n/3⌋ + 1: any two such groups share an honest node. */
  readonly quorum: number;
  /** f + 1: one of them is honest. */
  readonly oneHonest: number;
}

/** The thresholds of a set of `size` nodes with equal votes. */
export function quorumOf(size: number): Quorum {
  return { size, quorum: Math.floor((2 * size) / 3) + 1, oneHonest: Math.floor((size - 1) / 3) + 1 };
}
