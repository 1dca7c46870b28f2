import { type BlockHeader, blockId, type DagBlock, headerOf, type OrderedTransaction } from "./dag-block.js";

/** Hex digits of a transaction's hash by which peers name it to each other where a mistake costs a question and no more. */
export const SHORT_ID_DIGITS = 16;
/** What a short id takes in a packet. */
export const SHORT_ID_BYTES = SHORT_ID_DIGITS / 2;

/**
 * A block that names its transactions by the beginnings of their hashes. Its header says by their whole hashes which ones they are:
 * what was put together wrongly, since two hashes begin alike, has another id and is fetched whole.
 */
export interface CompactBlock {
  readonly header: BlockHeader;
  readonly shortIds: readonly string[];
}

export function shortIdOf(id: string): string {
  return id.slice(0, SHORT_ID_DIGITS);
}

export function compactOf(block: DagBlock): CompactBlock {
  return { header: headerOf(block), shortIds: block.transactions.map(({ id }) => shortIdOf(id)) };
}

/** The block of a header; undefined where the transactions are not those that it names. Cost: one hash over their ids. */
export function blockOf(
  header: BlockHeader,
  transactions: readonly OrderedTransaction[],
): DagBlock | undefined {
  const { transactionsHash: _, ...facts } = header;
  const block = { ...facts, transactions };
  return blockId(block) === blockId(header) ? block : undefined;
}
