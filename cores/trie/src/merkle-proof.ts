import { keccak256 } from "@aios/core-keccak/keccak";
import { equalBytes, fromHex } from "@aios/core-rlp/hex";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import { EMPTY_TRIE_ROOT } from "./empty-hashes.js";
import { commonPrefix, toNibbles } from "./nibbles.js";
import { decodeNode, type LoadedNode, type TrieNode } from "./trie-node.js";

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
    return followed(root, toNibbles(key), nodes);
  } catch (error) {
    if (isCodedError(error) && error.code !== "invalid-proof") throw invalid(error.message, error);
    throw error;
  }
}

function followed(root: Uint8Array, path: Uint8Array, nodes: readonly Uint8Array[]): Uint8Array | undefined {
  let used = 0;
  const load = (reference: TrieNode): LoadedNode => {
    if (!(reference instanceof Uint8Array)) return reference;
    const rlp = nodes[used++];
    if (rlp === undefined) throw invalid("it ends before the key");
    if (!equalBytes(keccak256(rlp), reference))
      throw invalid(`node ${used - 1} is not the one that is named`);
    return decodeNode(rlp, reference);
  };
  const ended = (value: Uint8Array | undefined): Uint8Array | undefined => {
    if (used === nodes.length) return value;
    throw invalid("it has nodes beside those that lead to the key");
  };
  let next: TrieNode | undefined = root;
  for (let at = 0; next !== undefined; ) {
    const node = load(next);
    if (node.kind === "branch") {
      if (at === path.length) return ended(node.value);
      next = node.children[path[at++] as number];
      continue;
    }
    const isOnPath = commonPrefix(node.path, path, at) === node.path.length;
    at += node.path.length;
    if (node.kind === "leaf") return ended(isOnPath && at === path.length ? node.value : undefined);
    next = isOnPath ? node.child : undefined;
  }
  return ended(undefined);
}

function invalid(why: string, cause?: unknown): CodedError {
  return new CodedError({
    code: "invalid-proof",
    kind: "invalid",
    message: `The proof does not show what the trie holds: ${why}.`,
    cause,
  });
}
