import { CodedError } from "@aios/kernel/coded-error";

/** Values of `JobPayment.kind`, in the order of Solidity's `PaymentKind`. */
export const PAYMENT_KINDS = [
  "escrow",
  "provider",
  "prover",
  "royalty",
  "protocol-fee-burned",
  "protocol-fee-treasury",
  "refund",
] as const;
export type PaymentKind = (typeof PAYMENT_KINDS)[number];

/** Amounts above this are refused on chain, so that no sum of parts can overflow 256 bits. */
export const MAX_AMOUNT_WEI = (1n << 128n) - 1n;
export const BPS_DENOMINATOR = 10_000n;

/** What a job costs, all in wei; basis points are out of 10,000. */
export interface JobPriceTerms {
  readonly providerPriceWei: bigint;
  readonly proverFeeWei: bigint;
  /** The model's flat fee for one use; 0 without a model. */
  readonly usageFeeWei: bigint;
  /** The owner's share of the provider's price, on top of it; 0 without a model. */
  readonly royaltyBps: number;
  readonly protocolFeeBps: number;
}

export interface JobCost {
  readonly providerWei: bigint;
  readonly proverWei: bigint;
  /** usageFee + ⌊providerPrice · royaltyBps / 10,000⌋. */
  readonly royaltyWei: bigint;
  /** ⌈(provider + prover + royalty) · protocolFeeBps / 10,000⌉: rounded in the protocol's favour. */
  readonly protocolFeeWei: bigint;
  /** What the buyer pays: the sum of the four parts. */
  readonly totalWei: bigint;
}

export interface JobSplit extends JobCost {
  /** ⌊protocolFee / 2⌋. */
  readonly feeBurnedWei: bigint;
  /** protocolFee − feeBurned. */
  readonly feeTreasuryWei: bigint;
  /** maxPrice − total. */
  readonly refundWei: bigint;
}

/** What one job costs its buyer. Integer for integer what `PaymentSplit.sol` computes. Throws `amount-out-of-range`. */
export function jobCost(terms: JobPriceTerms): JobCost {
  const { providerPriceWei, proverFeeWei, usageFeeWei } = terms;
  for (const [field, wei] of Object.entries({ providerPriceWei, proverFeeWei, usageFeeWei }))
    checkAmount(wei, field);
  checkBps(terms.royaltyBps, "royaltyBps");
  checkBps(terms.protocolFeeBps, "protocolFeeBps");
  const royaltyWei = usageFeeWei + (providerPriceWei * BigInt(terms.royaltyBps)) / BPS_DENOMINATOR;
  const workWei = providerPriceWei + proverFeeWei + royaltyWei;
  const protocolFeeWei = protocolFee(workWei, terms.protocolFeeBps);
  return {
    providerWei: providerPriceWei,
    proverWei: proverFeeWei,
    royaltyWei,
    protocolFeeWei,
    totalWei: workWei + protocolFeeWei,
  };
}

/**
 * How an escrow of `maxPriceWei` is divided at settlement; the parts always sum to it.
 * Throws `price-above-cap` where the cost exceeds the cap (refused on chain already at the lease).
 */
export function splitJobPayment(terms: JobPriceTerms, maxPriceWei: bigint): JobSplit {
  checkAmount(maxPriceWei, "maxPriceWei");
  const cost = jobCost(terms);
  if (cost.totalWei > maxPriceWei) {
    throw new CodedError({
      code: "price-above-cap",
      kind: "conflict",
      message: `The job costs ${cost.totalWei} wei, above the cap of ${maxPriceWei} wei. Raise the cap or choose a cheaper offer.`,
      details: { totalWei: cost.totalWei.toString(), maxPriceWei: maxPriceWei.toString() },
      field: "maxPriceWei",
    });
  }
  return { ...cost, ...halveFee(cost.protocolFeeWei), refundWei: maxPriceWei - cost.totalWei };
}

export interface LicenceSplit {
  readonly ownerWei: bigint;
  readonly feeBurnedWei: bigint;
  readonly feeTreasuryWei: bigint;
}

/** How a licence's price is divided: the fee comes out of the price. Throws `amount-out-of-range`. */
export function splitLicencePrice(priceWei: bigint, protocolFeeBps: number): LicenceSplit {
  checkAmount(priceWei, "priceWei");
  checkBps(protocolFeeBps, "protocolFeeBps");
  const fee = protocolFee(priceWei, protocolFeeBps);
  return { ownerWei: priceWei - fee, ...halveFee(fee) };
}

/** The largest provider price whose whole cost stays within `maxPriceWei`, or undefined where none does. */
export function affordableProviderPrice(
  terms: Omit<JobPriceTerms, "providerPriceWei">,
  maxPriceWei: bigint,
): bigint | undefined {
  const fits = (providerPriceWei: bigint) => jobCost({ ...terms, providerPriceWei }).totalWei <= maxPriceWei;
  if (!fits(0n)) return undefined;
  let low = 0n;
  let high = maxPriceWei;
  while (low < high) {
    const middle = (low + high + 1n) / 2n;
    if (fits(middle)) low = middle;
    else high = middle - 1n;
  }
  return low;
}

/** The largest prover fee whose whole cost stays within `maxPriceWei`, or undefined where none does. */
export function affordableProverFee(
  terms: Omit<JobPriceTerms, "proverFeeWei">,
  maxPriceWei: bigint,
): bigint | undefined {
  const { totalWei, protocolFeeWei } = jobCost({ ...terms, proverFeeWei: 0n });
  if (totalWei > maxPriceWei) return undefined;
  // The most work, w, with w + ⌈w · bps / 10,000⌉ within the maximum.
  const workWei = (maxPriceWei * BPS_DENOMINATOR) / (BPS_DENOMINATOR + BigInt(terms.protocolFeeBps));
  const feeWei = workWei - (totalWei - protocolFeeWei);
  return feeWei > MAX_AMOUNT_WEI ? MAX_AMOUNT_WEI : feeWei;
}

function protocolFee(amountWei: bigint, bps: number): bigint {
  return (amountWei * BigInt(bps) + BPS_DENOMINATOR - 1n) / BPS_DENOMINATOR;
}

function halveFee(feeWei: bigint): { feeBurnedWei: bigint; feeTreasuryWei: bigint } {
  const feeBurnedWei = feeWei / 2n;
  return { feeBurnedWei, feeTreasuryWei: feeWei - feeBurnedWei };
}

function checkAmount(wei: bigint, field: string): void {
  if (wei >= 0n && wei <= MAX_AMOUNT_WEI) return;
  throw new CodedError({
    code: "amount-out-of-range",
    kind: "invalid",
    message: `${field} must be between 0 and 2^128 - 1 wei.`,
    field,
  });
}

function checkBps(bps: number, field: string): void {
  if (Number.isInteger(bps) && bps >= 0 && bps <= Number(BPS_DENOMINATOR)) return;
  throw new CodedError({
    code: "bps-out-of-range",
    kind: "invalid",
    message: `${field} must be 0 to 10000 basis points.`,
    field,
  });
}
