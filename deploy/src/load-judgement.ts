/** What the loads of an upgrade came to, as far as it says whether they were loads at all. */
export interface LoadReports {
  readonly reads: { readonly answered: number };
  readonly orders: { readonly changes: Readonly<Record<string, readonly string[]>> };
}

/**
 * Less than this shows nothing of an upgrade that replaces every pod, one after the other, for a minute and more: two
 * buyers who order again as soon as their job has settled, and four readers who pause for 20 ms.
 */
export const LEAST_ORDERS = 20;
export const LEAST_READS = 500;

/** Why the loads were too small to show that nothing is lost, in a sentence each. */
export function loadProblems({ reads, orders }: LoadReports): readonly string[] {
  const settled = Object.keys(orders.changes).length;
  return [
    ...(settled >= LEAST_ORDERS
      ? []
      : [
          `${settled} orders were settled during the upgrade; ${LEAST_ORDERS} are the least that show anything`,
        ]),
    ...(reads.answered >= LEAST_READS
      ? []
      : [`${reads.answered} reads were answered during the upgrade; ${LEAST_READS} are the least`]),
  ];
}
