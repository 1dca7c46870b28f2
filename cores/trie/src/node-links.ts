import { takeNode } from "./read-node.js";
import { SlabWriter } from "./slab.js";
import { BRANCH, childReference, LEAF, leafValue, type TrieNode } from "./trie-node.js";

/** What a stored node leads to. */
export interface NodeLinks {
  /** Hashes, with their places, of the nodes below it that are stored by themselves. */
  readonly children: readonly Uint8Array[];
  /** Values in it and in the nodes that are embedded in it. */
  readonly values: readonly Uint8Array[];
}

const NO_HASH = new Uint8Array(0);

/** Reads the links of a stored node, those of embedded nodes included. Throws `corrupt-trie`. */
export function nodeLinks(bytes: Uint8Array): NodeLinks {
  const children: Uint8Array[] = [];
  const values: Uint8Array[] = [];
  const visit = (node: TrieNode): void => {
    if (node.kind === LEAF) values.push(leafValue(node));
    else if (node.kind === BRANCH) {
      for (let index = 0; index < node.children.length; index++) {
        const child = node.children[index];
        if (child !== undefined) visit(child);
        else if (((node.mask >> index) & 1) === 1) children.push(childReference(node, index));
      }
      if (node.value !== undefined) values.push(node.value);
    } else if (node.child === undefined) children.push(childReference(node));
    else visit(node.child);
  };
  visit(takeNode(new SlabWriter(), bytes, NO_HASH));
  return { children, values };
}
