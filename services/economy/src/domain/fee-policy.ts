import type { Fees } from "./chain-transaction.js";

export interface FeeSettings {
  readonly priorityFeePerGasWei: bigint;
  /** No signed form ever offers more than this. */
  readonly maxFeePerGasCapWei: bigint;
}

/**
 * Fees of a first signed form: twice the base fee plus the tip, which survives at least five full blocks in a row
 * (EIP-1559 raises the base fee by at most 12.5% a block).
 */
export function initialFees(baseFeePerGasWei: bigint, settings: FeeSettings): Fees {
  const wanted = baseFeePerGasWei * 2n + settings.priorityFeePerGasWei;
  const maxFeePerGasWei = min(wanted, settings.maxFeePerGasCapWei);
  return { maxFeePerGasWei, maxPriorityFeePerGasWei: min(settings.priorityFeePerGasWei, maxFeePerGasWei) };
}

/**
 * Fees of the form that replaces `previous`: both at least 12.5% higher (nodes ask for 10%), rounded up, and not
 * below what a first form would offer now. `undefined` when the cap leaves no room for a valid replacement.
 */
export function replacementFees(
  previous: Fees,
  baseFeePerGasWei: bigint,
  settings: FeeSettings,
): Fees | undefined {
  const fresh = initialFees(baseFeePerGasWei, settings);
  const maxFeePerGasWei = max(raised(previous.maxFeePerGasWei), fresh.maxFeePerGasWei);
  const maxPriorityFeePerGasWei = max(
    raised(previous.maxPriorityFeePerGasWei),
    fresh.maxPriorityFeePerGasWei,
  );
  if (maxFeePerGasWei > settings.maxFeePerGasCapWei) return undefined;
  return { maxFeePerGasWei, maxPriorityFeePerGasWei: min(maxPriorityFeePerGasWei, maxFeePerGasWei) };
}

/** Gas limit for an estimate: a quarter more, because the state may move before the call is mined. */
export function gasLimitFor(estimate: bigint): bigint {
  return estimate + estimate / 4n + 10_000n;
}

function raised(wei: bigint): bigint {
  return (wei * 9n + 7n) / 8n + 1n;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
