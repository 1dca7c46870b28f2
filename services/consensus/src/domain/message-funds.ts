import { MAX_INIT_CODE_BYTES } from "@aios/core-transactions/check-transaction";
import type { MessageOptions } from "./block-session.js";
import { initCodeTooLarge, insufficientFunds, underpriced } from "./errors.js";
import type { BlockContext, CallRequest } from "./ports.js";

/** EIP-4844. */
export const GAS_PER_BLOB = 131_072n;

/** Whether a message pays nothing: it offers no fee, and none is asked. */
export function isFree(request: CallRequest, options: Pick<MessageOptions, "chargesFees">): boolean {
  return !options.chargesFees && request.maxFeePerGas === 0n && request.maxPriorityFeePerGas === 0n;
}

/** Wei per blob gas; absent for a message that has nothing to do with blobs. */
function blobFeeCap({ maxFeePerBlobGas, blobVersionedHashes }: CallRequest): bigint | undefined {
  return maxFeePerBlobGas ?? (blobVersionedHashes === undefined ? undefined : 0n);
}

/**
 * The block as a message sees it. Deviation from a transaction's: one that pays nothing sees a base fee of zero, and one
 * that pays nothing for its blobs a blob base fee of zero.
 */
export function contextOfMessage(
  context: BlockContext,
  request: CallRequest,
  options: Pick<MessageOptions, "chargesFees">,
): BlockContext {
  const free = isFree(request, options);
  const freeOfBlobFees = !options.chargesFees && blobFeeCap(request) === 0n;
  if (!free && !freeOfBlobFees) return context;
  return {
    ...context,
    ...(free ? { baseFeePerGas: 0n } : {}),
    ...(freeOfBlobFees ? { blobBaseFeePerGas: 0n } : {}),
  };
}

/**
 * Throws `underpriced`, `insufficient-funds` unless `balance` covers what the message may cost. Wei. `context` as the
 * message sees it.
 */
export function requirePayable(request: CallRequest, balance: bigint, context: BlockContext): void {
  if (request.maxFeePerGas < context.baseFeePerGas)
    throw underpriced(
      `max fee per gas less than block base fee: maxFeePerGas ${request.maxFeePerGas}, baseFee ${context.baseFeePerGas}`,
    );
  const [blobCap, blobBaseFee] = [blobFeeCap(request), context.blobBaseFeePerGas ?? 1n];
  if (request.blobVersionedHashes !== undefined && blobCap !== undefined && blobCap < blobBaseFee)
    throw underpriced(
      `max fee per blob gas less than block blob gas fee: blobGasFeeCap ${blobCap}, blobBaseFee ${blobBaseFee}`,
    );
  const blobGas = GAS_PER_BLOB * BigInt(request.blobVersionedHashes?.length ?? 0);
  const cost =
    request.value + request.gasLimit * request.maxFeePerGas + blobGas * (request.maxFeePerBlobGas ?? 0n);
  if (balance < cost) throw insufficientFunds(balance, cost);
}

/** EIP-3860. Throws `init-code-too-large`. */
export function requireInitCodeSize({ to, data }: Pick<CallRequest, "to" | "data">): void {
  if (to === null && data.length > MAX_INIT_CODE_BYTES)
    throw initCodeTooLarge(data.length, MAX_INIT_CODE_BYTES);
}
