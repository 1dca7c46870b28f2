/** Ethereum's forks that changed what a transaction is, in order. */
export const TRANSACTION_FORKS = [
  "frontier",
  "homestead",
  "spurious-dragon",
  "istanbul",
  "berlin",
  "london",
  "shanghai",
  "cancun",
  "prague",
  "osaka",
] as const;

export type TransactionFork = (typeof TRANSACTION_FORKS)[number];

/** What a transaction is checked against. */
export interface TransactionRules {
  readonly fork: TransactionFork;
  readonly chainId: bigint;
}

const PLACE = Object.fromEntries(TRANSACTION_FORKS.map((fork, place) => [fork, place])) as Readonly<
  Record<TransactionFork, number>
>;

/** Whether the rules include those of `since`. */
export function isActive(rules: TransactionRules, since: TransactionFork): boolean {
  return PLACE[rules.fork] >= PLACE[since];
}
