import { type Address, tenantOfAccount } from "@aios/kernel/identifiers";
import {
  ProofState,
  ProverServiceService,
  type RequestProofRequest,
} from "@aios/proto/aios/prover/v1/prover";
import { actingFor } from "@aios/service-kit/caller-context";
import { createGrpcClient } from "@aios/service-kit/grpc-client";
import { loadTokenIssuer } from "@aios/service-kit/service-token";
import { eventually } from "./eventually.js";

export type { RequestProofRequest };

/**
 * The evidence of a proof that a running zk-prover makes for whoever holds the key of a `compute` service, for example of
 * another chain's. Throws what the prover answers, or that the proof failed.
 */
export async function proveAsCompute(
  proverUrl: string,
  computeKeyFile: string,
  account: Address,
  request: RequestProofRequest,
  timeoutMs = 60_000,
): Promise<Uint8Array> {
  using prover = createGrpcClient(ProverServiceService, proverUrl, {
    identity: await loadTokenIssuer("compute", computeKeyFile),
    audience: "zk-prover",
  });
  return await actingFor({ account, tenant: tenantOfAccount(account) }, async () => {
    await prover.requestProof(request, { idempotent: true });
    const ended = await eventually(async () => {
      const { proof } = await prover.getProof({ jobId: request.statement?.jobId ?? "" });
      if (proof?.state === ProofState.PROOF_STATE_PROVEN || proof?.state === ProofState.PROOF_STATE_FAILED)
        return proof;
      throw new Error(`the proof stands at ${proof?.state}`);
    }, timeoutMs);
    if (ended.state === ProofState.PROOF_STATE_FAILED) throw new Error(`no proof: ${ended.error?.message}`);
    return ended.evidence;
  });
}
