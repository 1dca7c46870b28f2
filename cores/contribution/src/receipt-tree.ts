import { CodedError } from "@aios/kernel/coded-error";
import { concat, keccak256 } from "ethers";

/**
 * Merkle tree over receipt digests as `ReceiptRegistry` verifies it: leaf = keccak256(keccak256(digest)), inner node =
 * keccak256 of both children in ascending order, leaves sorted, complete binary tree in an array (the layout of
 * OpenZeppelin's StandardMerkleTree for ["bytes32"], so its verifiers accept our proofs).
 */
export interface ReceiptTree {
  /** 32 bytes, 0x hex. */
  readonly root: string;
  /** Leaves in tree order. */
  readonly leaves: readonly string[];
  /** Position in `leaves` and sibling hashes from leaf to root. Throws `receipt-not-in-tree`. */
  proofOf(digest: string): ReceiptProof;
}

export interface ReceiptProof {
  readonly leafIndex: number;
  readonly siblings: readonly string[];
}

/** The leaf that stands for a receipt; hashed twice, so an inner node never passes for one. */
export function receiptLeaf(digest: string): string {
  return keccak256(keccak256(digest));
}

/** Hash of an inner node. */
export function hashPair(a: string, b: string): string {
  return keccak256(a < b ? concat([a, b]) : concat([b, a]));
}

/**
 * Builds the tree; the order of the digests does not matter. O(n log n) hashes and comparisons. Throws `empty-tree`
 * for no receipts and `duplicate-receipt` when one comes twice.
 */
export function receiptTree(digests: readonly string[]): ReceiptTree {
  if (digests.length === 0) {
    throw new CodedError({ code: "empty-tree", kind: "invalid", message: "A receipt tree needs a receipt." });
  }
  const leaves = digests.map((digest) => receiptLeaf(digest.toLowerCase())).sort();
  if (new Set(leaves).size !== leaves.length) {
    throw new CodedError({
      code: "duplicate-receipt",
      kind: "invalid",
      message: "A receipt may be in a tree once.",
    });
  }
  const nodes = new Array<string>(2 * leaves.length - 1);
  leaves.forEach((leaf, index) => {
    nodes[nodes.length - 1 - index] = leaf;
  });
  for (let index = nodes.length - 1 - leaves.length; index >= 0; index--) {
    nodes[index] = hashPair(nodeAt(nodes, 2 * index + 1), nodeAt(nodes, 2 * index + 2));
  }
  return { root: nodeAt(nodes, 0), leaves, proofOf: (digest) => proofOf(nodes, leaves, digest) };
}

/** Whether the siblings lead from the receipt to the root; what `ReceiptRegistry.isIncluded` computes. */
export function isIncluded(root: string, digest: string, siblings: readonly string[]): boolean {
  return siblings.reduce((node, sibling) => hashPair(node, sibling), receiptLeaf(digest)) === root;
}

function proofOf(nodes: readonly string[], leaves: readonly string[], digest: string): ReceiptProof {
  const leafIndex = leaves.indexOf(receiptLeaf(digest.toLowerCase()));
  if (leafIndex < 0) {
    throw new CodedError({
      code: "receipt-not-in-tree",
      kind: "not-found",
      message: "This receipt is not in the batch.",
      details: { digest },
    });
  }
  const siblings: string[] = [];
  let index = nodes.length - 1 - leafIndex;
  while (index > 0) {
    siblings.push(nodeAt(nodes, index % 2 === 0 ? index - 1 : index + 1));
    index = Math.floor((index - 1) / 2);
  }
  return { leafIndex, siblings };
}

function nodeAt(nodes: readonly string[], index: number): string {
  const node = nodes[index];
  if (node === undefined) throw new RangeError("outside the tree");
  return node;
}
