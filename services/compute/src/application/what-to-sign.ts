import { acceptanceTypedData, orderTypedData, permitTypedData } from "@aios/core-settlement/order-digest";
import { tokenDomain } from "@aios/core-settlement/permit";
import { type TypedData, typedDataJson } from "@aios/core-settlement/signed-data";
import { signingDomain } from "@aios/core-settlement/typed-data";
import { hasOutput, outputHashOf } from "../domain/counted-output.js";
import { type Job, liveLease } from "../domain/job.js";

export interface ToSign {
  readonly name: string;
  readonly typedDataJson: string;
}

export function orderToSign(job: Job): TypedData {
  const { chainId, jobEscrow } = job.terms.contracts;
  return orderTypedData(signingDomain(chainId, jobEscrow), job.terms.order);
}

/** Undefined where the allowance already suffices. */
export function permitToSign(job: Job): TypedData | undefined {
  const { chainId, jobEscrow, wrappedAios } = job.terms.contracts;
  if (job.terms.permit === undefined) return undefined;
  const { valueWei: value, nonce, deadline } = job.terms.permit;
  const permit = { owner: job.buyer, spender: jobEscrow, value, nonce, deadline };
  return permitTypedData(tokenDomain(chainId, wrappedAios), permit);
}

/** Undefined until something was delivered, and while the buyer does not have it. */
export function acceptanceToSign(job: Job): TypedData | undefined {
  const lease = liveLease(job);
  if (lease === undefined || !hasOutput(job, lease)) return undefined;
  const { chainId, jobEscrow } = job.terms.contracts;
  return acceptanceTypedData(signingDomain(chainId, jobEscrow), {
    jobId: job.jobId,
    fencingToken: lease.fencingToken.toString(),
    outputHash: outputHashOf(job, lease),
  });
}

/** Everything the buyer signs to place the job. */
export function placementSignatures(job: Job): readonly ToSign[] {
  const permit = permitToSign(job);
  const order = { name: "order", typedDataJson: typedDataJson(orderToSign(job)) };
  return permit === undefined ? [order] : [order, { name: "permit", typedDataJson: typedDataJson(permit) }];
}
