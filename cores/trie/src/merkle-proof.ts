import { keccak256 } from "@aios/core-keccak/keccak";
import { equalBytes, fromHex } from "@aios/core-rlp/hex";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import { EMPTY_TRIE_ROOT } from "./empty-hashes.js";
import { nibbleAt } from "./nibbles.js";
import { takeNode } from "./read-node.js";
import { SlabWriter } from "./slab.js";
import { BRANCH, childReference, LEAF, leafHas, leafValue, pathLeadsTo, type TrieNode } from "./trie-node.js";

/**
 * What a trie with this root (32 bytes) has under a key, by the nodes that lead there from the root on, as EIP-1186 lists
 * them (`MerklePatriciaTrie.proof`); undefined where they show that it has nothing there. Who gives the nodes is not
 * trusted: each has to have the hash by which the one above names it.
 *
 * Throws `invalid-proof` for nodes that do not lead there, and for any beside them. Cost: a hash of each node.
 */
export function provenValue(
  root: Uint8Array,
  key: Uint8Array,
  nodes: readonly Uint8Array[],
): Uint8Array | undefined {
  if (nodes.length === 0 && equalBytes(root, fromHex(EMPTY_TRIE_ROOT))) return undefined;
  try {
    return followed(root, key, nodes);
  } catch (error) {
    if (isCodedError(error) && error.code !== "invalid-proof") throw invalid(error.message, error);
    throw error;
  }
}

function followed(root: Uint8Array, key: Uint8Array, nodes: readonly Uint8Array[]): Uint8Array | undefined {
  const writer = new SlabWriter();
  let used = 0;
  const take = (hash: Uint8Array): TrieNode => {
    const rlp = nodes[used++];
    if (rlp === undefined) throw invalid("it ends before the key");
    if (!equalBytes(keccak256(rlp), hash)) throw invalid(`node ${used - 1} is not the one that is named`);
    return takeNode(writer, rlp, hash);
  };
  const ended = (value?: Uint8Array): Uint8Array | undefined => {
    if (used === nodes.length) return value;
    throw invalid("it has nodes beside those that lead to the key");
  };
  let node = take(root);
  for (let depth = 0; ; ) {
    if (node.kind === LEAF) return ended(leafHas(node, key, depth) ? leafValue(node) : undefined);
    if (node.kind === BRANCH) {
      if (depth === key.length * 2) return ended(node.value);
      const index = nibbleAt(key, depth++);
      if (((node.mask >> index) & 1) === 0) return ended();
      node = node.children[index] ?? take(childReference(node, index));
    } else {
      if (!pathLeadsTo(node.path, key, depth)) return ended();
      depth += node.path.length;
      node = node.child ?? take(childReference(node));
    }
  }
}

function invalid(why: string, cause?: unknown): CodedError {
  return new CodedError({
    code: "invalid-proof",
    kind: "invalid",
    message: `The proof does not show what the trie holds: ${why}.`,
    cause,
  });
}
