import type { Bytes32 } from "@aios/kernel/identifiers";

/** The names that Ethereum tools give to points of the chain. */
export type BlockTag = "earliest" | "finalized" | "safe" | "latest" | "pending";

/** How a caller names a block: tag, height, or hash (EIP-1898). */
export type BlockSelector =
  | { readonly kind: "tag"; readonly tag: BlockTag }
  | { readonly kind: "height"; readonly height: number }
  | { readonly kind: "hash"; readonly hash: Bytes32 };

/**
 * Certificate h fixes order and attests the root of h−1, so the finalized checkpoint is the one below the latest.
 * Genesis is final by definition.
 */
export function finalizedHeight(latestHeight: number): number {
  return Math.max(0, latestHeight - 1);
}

/** How far the chain is final when its latest checkpoint has this height. */
export type FinalityView = (latestHeight: number) => number;

/** Height of a stored block that a tag names; `pending` is not stored. `latest` and `safe` are ordered and executed. */
export function heightOfTag(
  tag: Exclude<BlockTag, "pending">,
  latestHeight: number,
  finality: FinalityView = finalizedHeight,
): number {
  switch (tag) {
    case "earliest":
      return 0;
    case "finalized":
      return finality(latestHeight);
    case "safe":
    case "latest":
      return latestHeight;
  }
}
