import {
  type CheckLeaseRequest,
  type CheckLeaseResponse,
  ComputeServiceService,
} from "@aios/proto/aios/compute/v1/compute";
import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import type { PeerServer } from "./peer-server.js";

export interface LiveLease {
  readonly jobId: string;
  readonly fencingToken: number;
  readonly provider: string;
  /** What the job reads. */
  readonly contentCids: readonly string[];
  /** Who published the job's model. */
  readonly modelOwner: string;
}

/** Compute's answer to the one question that storage asks: it knows the leases that a test gives out. */
export class LeaseBook {
  readonly #leases: LiveLease[] = [];

  constructor(server: PeerServer) {
    server.add(
      { checkLease: ComputeServiceService.checkLease },
      {
        checkLease: (
          call: ServerUnaryCall<CheckLeaseRequest, CheckLeaseResponse>,
          callback: sendUnaryData<CheckLeaseResponse>,
        ) => callback(null, this.#check(call.request)),
      },
    );
  }

  /** The lease is live from now on; given again, it is about the newest contents. */
  give(lease: LiveLease): void {
    this.#leases.push(lease);
  }

  #check({ jobId, fencingToken, provider }: CheckLeaseRequest): CheckLeaseResponse {
    const lease = this.#leases.findLast(
      (each) => each.jobId === jobId && each.fencingToken === fencingToken && each.provider === provider,
    );
    if (lease === undefined) {
      const reason = "There is no such live lease.";
      return { live: false, reason, modelId: 0, contentCids: [], expiresAtMs: 0, modelOwner: "" };
    }
    const { contentCids, modelOwner } = lease;
    return {
      live: true,
      reason: "",
      modelId: 1,
      contentCids: [...contentCids],
      expiresAtMs: 9e12,
      modelOwner,
    };
  }
}
