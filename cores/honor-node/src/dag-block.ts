import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/** A transaction as ordering sees it; what it does is the execution's business. */
export interface OrderedTransaction {
  /** Hash of the signed transaction. */
  readonly id: string;
  /** 20 bytes as lower-case hex with 0x. */
  readonly sender: string;
  readonly nonce: number;
  /** The signed transaction as it travels. */
  readonly payload: Uint8Array;
}

/** What an honor node on duty makes, at most one in a tick (chain.md "Shape"). */
export interface DagBlock {
  /** The honor set by whose duty it is made. */
  readonly setNumber: number;
  /** Seat of its maker in that set. */
  readonly seat: number;
  readonly tick: number;
  readonly parents: readonly string[];
  readonly transactions: readonly OrderedTransaction[];
  /** The maker's, in hex. */
  readonly signature: string;
}

export type UnsignedBlock = Omit<DagBlock, "signature">;

const ids = new WeakMap<UnsignedBlock, string>();

/** Id of a block: SHA-256 over everything but the signature, as 64 hex digits; hashed once for each object. */
export function blockId(block: UnsignedBlock): string {
  const known = ids.get(block);
  if (known !== undefined) return known;
  const { setNumber, seat, tick, parents, transactions } = block;
  const content = JSON.stringify([setNumber, seat, tick, parents, transactions.map(({ id }) => id)]);
  const id = bytesToHex(sha256(utf8ToBytes(`aios.dag-block.v1\n${content}`)));
  ids.set(block, id);
  return id;
}

/** The bytes that the maker signs; they name chain, maker and tick, so that two of them are evidence by themselves. */
export function blockClaimBytes(chainId: string, block: UnsignedBlock): Uint8Array {
  const { setNumber, seat, tick } = block;
  return utf8ToBytes(
    `aios.block-claim.v1\n${JSON.stringify([chainId, setNumber, seat, tick, blockId(block)])}`,
  );
}
