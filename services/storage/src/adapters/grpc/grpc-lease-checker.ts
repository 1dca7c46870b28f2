import { address } from "@aios/kernel/identifiers";
import type { ComputeServiceService } from "@aios/proto/aios/compute/v1/compute";
import type { GrpcClient } from "@aios/service-kit/grpc-client";
import type { LeaseClaim, LeaseStanding } from "../../domain/content-key.js";
import type { LeaseChecker } from "../../domain/ports.js";

export class GrpcLeaseChecker implements LeaseChecker {
  readonly #compute: Pick<GrpcClient<typeof ComputeServiceService>, "checkLease">;

  constructor(compute: Pick<GrpcClient<typeof ComputeServiceService>, "checkLease">) {
    this.#compute = compute;
  }

  async check(claim: LeaseClaim): Promise<LeaseStanding> {
    const { live, reason, contentCids, modelOwner } = await this.#compute.checkLease({ ...claim });
    return {
      live,
      reason,
      contentCids,
      modelOwner: modelOwner === "" ? undefined : address(modelOwner, "modelOwner"),
    };
  }
}
