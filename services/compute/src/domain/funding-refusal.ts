import type { JobError } from "./job.js";

/** The permit was signed for a nonce that another one has used since: the buyer signs a new one, the order stands. */
export const PERMIT_STALE = "permit-stale";

/** Errors of the escrow's `open` that a buyer can act on. */
const BUYER_ERRORS: Readonly<Record<string, { readonly code: string; readonly message: string }>> = {
  ERC20InsufficientBalance: {
    code: "insufficient-funds",
    message: "Your balance of the wrapped coin is below the price cap. Wrap more coins or lower the cap.",
  },
  InsufficientAllowance: {
    code: PERMIT_STALE,
    message:
      "The permit does not cover the price cap any more (another one was used since). Sign the renewed one.",
  },
  LicenceRequired: {
    code: "licence-required",
    message: "The licence named in the order is not yours any more.",
  },
  LeaseTooLate: {
    code: "order-expired",
    message: "The order was not signed in time. Prepare the job again.",
  },
};

/** Why the escrow does not open the order, in words for its buyer. The decoded contract error stays in the details. */
export function fundingRefusal({ code, message, detailsJson }: JobError): JobError {
  const details = detailsJson === "" ? "{}" : detailsJson;
  const error = (JSON.parse(details) as { readonly error?: unknown }).error;
  const known = typeof error === "string" ? BUYER_ERRORS[error] : undefined;
  return { ...(known ?? { code: code === "" ? "reverted" : code, message }), detailsJson: details };
}
