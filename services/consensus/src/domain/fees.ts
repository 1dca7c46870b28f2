import type { Address } from "@aios/kernel/identifiers";
import { greater } from "./bigint.js";
import type { BlockHeader } from "./block.js";
import type { Genesis } from "./genesis.js";

const ELASTICITY = 2n;
const CHANGE_DENOMINATOR = 8n;

/** EIP-1559: the base fee that follows a block, not below the chain's minimum. Wei per gas. */
export function nextBaseFee(
  parent: Pick<BlockHeader, "gasLimit" | "gasUsed" | "baseFeePerGas">,
  minimum: bigint,
): bigint {
  const target = parent.gasLimit / ELASTICITY;
  const fee = parent.baseFeePerGas;
  let next = fee;
  if (parent.gasUsed > target) {
    const delta = (fee * (parent.gasUsed - target)) / target / CHANGE_DENOMINATOR;
    next = fee + (delta > 0n ? delta : 1n);
  } else if (parent.gasUsed < target) {
    next = fee - (fee * (target - parent.gasUsed)) / target / CHANGE_DENOMINATOR;
  }
  return greater(next, minimum);
}

/**
 * What each reserve receives of the base fee of a block; the remainder, rounding included, is burned.
 * Deviation from EIP-1559, which burns all.
 */
export function baseFeeCredits(
  genesis: Genesis,
  header: Pick<BlockHeader, "gasUsed" | "baseFeePerGas">,
): { readonly address: Address; readonly amount: bigint }[] {
  const total = header.gasUsed * header.baseFeePerGas;
  return genesis.baseFeeShares
    .map((share) => ({ address: share.address, amount: (total * BigInt(share.shareBps)) / 10_000n }))
    .filter((credit) => credit.amount > 0n);
}
