import { type Job, liveLease } from "../domain/job.js";
import {
  acceptanceData,
  orderData,
  permitData,
  type TypedData,
  typedDataJson,
} from "../domain/typed-data.js";

export interface ToSign {
  readonly name: string;
  readonly typedDataJson: string;
}

export function orderToSign(job: Job): TypedData {
  const { chainId, jobEscrow } = job.terms.contracts;
  return orderData(chainId, jobEscrow, job.terms.order);
}

/** Undefined where the allowance already suffices. */
export function permitToSign(job: Job): TypedData | undefined {
  const { chainId, jobEscrow, wrappedAios } = job.terms.contracts;
  if (job.terms.permit === undefined) return undefined;
  return permitData(chainId, wrappedAios, { owner: job.buyer, spender: jobEscrow, ...job.terms.permit });
}

/** Undefined until something was delivered. */
export function acceptanceToSign(job: Job): TypedData | undefined {
  const lease = liveLease(job);
  if (lease?.result === undefined) return undefined;
  const { chainId, jobEscrow } = job.terms.contracts;
  return acceptanceData(chainId, jobEscrow, {
    jobId: job.jobId,
    fencingToken: lease.fencingToken.toString(),
    outputHash: lease.result.delivery.outputHash,
  });
}

/** Everything the buyer signs to place the job. */
export function placementSignatures(job: Job): readonly ToSign[] {
  const permit = permitToSign(job);
  const order = { name: "order", typedDataJson: typedDataJson(orderToSign(job)) };
  return permit === undefined ? [order] : [order, { name: "permit", typedDataJson: typedDataJson(permit) }];
}
