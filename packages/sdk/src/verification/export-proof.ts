import { decodeEvidence } from "@aios/core-groth16/evidence";
import { MAX_HONK_EVIDENCE_BYTES } from "@aios/core-ultra-honk/honk-proof";
import { STATEMENT_VERSION } from "@aios/core-zkml/statement";
import { CodedError } from "@aios/kernel/coded-error";
import type { AiosClient } from "../client.js";
import { fromHex } from "../hex.js";
import { contractAddress } from "../typed-data-review.js";
import { documentBytes, encodeProofDocument, type ProofDocument, transcriptText } from "./proof-document.js";

/**
 * The proof of a job as a file that anybody can verify alone, with the statement it is about and, where the key is from a
 * ceremony, its transcript. Throws what the gateway answers, and `proof-not-ready`.
 */
export async function exportProof(client: AiosClient, jobId: string): Promise<string> {
  const [proof, job, protocol] = await Promise.all([
    client.jobs.proof(jobId),
    client.jobs.get(jobId),
    client.protocol(),
  ]);
  if (proof.evidence === null || job.modelId === null)
    throw new CodedError({
      code: "proof-not-ready",
      kind: "conflict",
      message: `The proof of this job is ${proof.state}; there is nothing to export yet.`,
      details: { state: proof.state },
    });
  const model = await client.models.get(job.modelId);
  const { verifyingKey, proof: bytes } = decodeEvidence(fromHex(proof.evidence), MAX_HONK_EVIDENCE_BYTES);
  const isHonk = proof.proofSystem === "honk";
  const transcriptCid = model.ceremonyTranscriptCid;
  return encodeProofDocument({
    ...documentBytes(verifyingKey, bytes),
    ...(isHonk ? await honkPart(client, contractAddress(protocol, "HonkResultVerifier")) : {}),
    publicInputs: proof.publicInputs,
    statement: {
      version: STATEMENT_VERSION,
      chainId: protocol.chainId,
      escrow: contractAddress(protocol, "JobEscrow"),
      jobId: job.jobId,
      requester: job.buyer,
      modelCommitment: model.modelCommitment,
    },
    ...(transcriptCid === null || isHonk
      ? {}
      : { transcript: transcriptText(await client.content.get(transcriptCid)) }),
  });
}

async function honkPart(
  client: AiosClient,
  verifier: string,
): Promise<Pick<ProofDocument, "system" | "tauG2">> {
  const { tauG2OnChain } = await import("./honk-checks.js");
  return { system: "ultrahonk-bn254", tauG2: await tauG2OnChain(client.rpc, verifier) };
}
