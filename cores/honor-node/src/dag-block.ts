import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/** A transaction as ordering sees it; what it does is the execution's business. */
export interface OrderedTransaction {
  /** Hash of the signed transaction. */
  readonly id: string;
  /** 20 bytes as lower-case hex with 0x. */
  readonly sender: string;
  readonly nonce: number;
  /** The most gas that it may use; what no block holds is as good as any other number of that size. */
  readonly gasLimit: number;
  /** The signed transaction as it travels. */
  readonly payload: Uint8Array;
}

/** What a block of either form says beside its transactions. */
export interface BlockFacts {
  /** The honor set by whose duty it is made. */
  readonly setNumber: number;
  /** Seat of its maker in that set. */
  readonly seat: number;
  readonly tick: number;
  readonly parents: readonly string[];
  /** The maker's, in hex. */
  readonly signature: string;
}

/** What an honor node on duty makes, at most one in a tick. */
export interface DagBlock extends BlockFacts {
  readonly transactions: readonly OrderedTransaction[];
}

/** A block without its transactions: all that its id, its signature and its place in the DAG need. */
export interface BlockHeader extends BlockFacts {
  /** SHA-256 over the ids of its transactions, as 64 hex digits. */
  readonly transactionsHash: string;
}

export type UnsignedBlock = Omit<DagBlock, "signature">;
type Unsigned = UnsignedBlock | Omit<BlockHeader, "signature">;

/** The most gas that the transactions of a block may use together. */
export function gasOf({ transactions }: Pick<UnsignedBlock, "transactions">): number {
  return transactions.reduce((sum, { gasLimit }) => sum + gasLimit, 0);
}

const ids = new WeakMap<Unsigned, string>();
/** Of lists of transactions, which the forms of a block share. */
const hashes = new WeakMap<readonly OrderedTransaction[], string>();

/** Whether the transactions of a block are there. */
export function isWhole(block: DagBlock | BlockHeader): block is DagBlock {
  return "transactions" in block;
}

/** The block without its transactions; its id stays. */
export function headerOf(block: DagBlock | BlockHeader): BlockHeader {
  if (!isWhole(block)) return block;
  const { setNumber, seat, tick, parents, signature } = block;
  const header = {
    setNumber,
    seat,
    tick,
    parents,
    transactionsHash: hashOfTransactions(block),
    signature,
  };
  ids.set(header, blockId(block));
  return header;
}

/**
 * Id of a block: SHA-256 over everything but the signature, as 64 hex digits; hashed once for each object. It names the
 * transactions by their hash, so that a block is known without them.
 */
export function blockId(block: Unsigned): string {
  const known = ids.get(block);
  if (known !== undefined) return known;
  const { setNumber, seat, tick, parents } = block;
  const transactionsHash = "transactions" in block ? hashOfTransactions(block) : block.transactionsHash;
  const id = digest("aios.dag-block.v2", [setNumber, seat, tick, parents, transactionsHash]);
  ids.set(block, id);
  return id;
}

/** The bytes that the maker signs; they name chain, maker and tick, so that two of them are evidence by themselves. */
export function blockClaimBytes(chainId: string, block: Unsigned): Uint8Array {
  const { setNumber, seat, tick } = block;
  return utf8ToBytes(
    `aios.block-claim.v1\n${JSON.stringify([chainId, setNumber, seat, tick, blockId(block)])}`,
  );
}

function hashOfTransactions({ transactions }: UnsignedBlock): string {
  const known = hashes.get(transactions);
  if (known !== undefined) return known;
  const hash = digest(
    "aios.dag-transactions.v1",
    transactions.map(({ id }) => id),
  );
  hashes.set(transactions, hash);
  return hash;
}

function digest(domain: string, content: unknown): string {
  return bytesToHex(sha256(utf8ToBytes(`${domain}\n${JSON.stringify(content)}`)));
}
