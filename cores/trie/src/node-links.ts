import { decodeStored, type LoadedNode, type TrieNode } from "./trie-node.js";

/** What a stored node leads to. */
export interface NodeLinks {
  /** Hashes, with their places, of the nodes below it that are stored by themselves. */
  readonly children: readonly Uint8Array[];
  /** Values in it and in the nodes that are embedded in it. */
  readonly values: readonly Uint8Array[];
}

const NO_HASH = new Uint8Array(0);

/** Reads the links of a stored node, those of embedded nodes included. Throws `corrupt-trie`, `malformed-rlp`. */
export function nodeLinks(bytes: Uint8Array): NodeLinks {
  const children: Uint8Array[] = [];
  const values: Uint8Array[] = [];
  const follow = (node: TrieNode | undefined): void => {
    if (node === undefined) return;
    if (node instanceof Uint8Array) children.push(node);
    else visit(node);
  };
  const visit = (node: LoadedNode): void => {
    if (node.kind === "leaf") values.push(node.value);
    else if (node.kind === "extension") follow(node.child);
    else {
      node.children.forEach(follow);
      if (node.value !== undefined) values.push(node.value);
    }
  };
  visit(decodeStored(bytes, NO_HASH));
  return { children, values };
}
