import { keccak256 } from "@aios/core-keccak/keccak";
import { toHex } from "@aios/core-rlp/hex";
import { encodeRlp } from "@aios/core-rlp/rlp";
import type { Bytes32 } from "@aios/kernel/identifiers";

/** Hash of no code: what an account without a contract has. */
export const EMPTY_CODE_HASH = toHex(keccak256(new Uint8Array(0))) as Bytes32;
/** Root of a trie without entries. */
export const EMPTY_TRIE_ROOT = toHex(keccak256(encodeRlp(new Uint8Array(0)))) as Bytes32;
/** Hash of the empty list: the uncles of every block after the merge. */
export const EMPTY_UNCLES_HASH = toHex(keccak256(encodeRlp([]))) as Bytes32;
