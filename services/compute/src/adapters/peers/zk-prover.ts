import { STATEMENT_VERSION } from "@aios/core-zkml/statement";
import { address, type JobId } from "@aios/kernel/identifiers";
import {
  type ProofJob,
  ProofState,
  type ProverServiceService,
  type RequestProofRequest,
  ProofSystem as SystemMessage,
} from "@aios/proto/aios/prover/v1/prover";
import type { GrpcClient } from "@aios/service-kit/grpc-client";
import { getBytes } from "ethers";
import { claimedOutput } from "../../domain/counted-output.js";
import { proverTooOld } from "../../domain/errors.js";
import { type Job, type JobProgress, liveLease } from "../../domain/job.js";
import type { ProofOutcome, ProofQuote, ProofSystem, Prover } from "../../domain/ports.js";

export class ZkProver implements Prover {
  readonly #prover: GrpcClient<typeof ProverServiceService>;

  constructor(prover: GrpcClient<typeof ProverServiceService>) {
    this.#prover = prover;
  }

  async quote(modelCommitment: Uint8Array, system: ProofSystem): Promise<ProofQuote> {
    const { proofSystem, name } = PROOF_SYSTEMS[system];
    const answer = await this.#prover.quoteProof({ modelCommitment, proofSystem });
    const { priceWei, expectedMs, trust, prover, verificationGas } = answer;
    // A prover from before there was UltraHonk quotes Groth16, whatever it is asked for.
    if (answer.system !== name) throw proverTooOld(name, answer.system);
    return {
      priceWei: priceWei || "0",
      expectedMs,
      trust,
      prover: address(prover, "prover"),
      verificationGas,
      system: name,
      absent: answer.absent,
    };
  }

  async request(job: Job): Promise<ProofOutcome> {
    const { terms } = job;
    const { proofSystem, name } = PROOF_SYSTEMS[job.verification === "honk" ? "honk" : "groth16"];
    const { proof } = await this.#prover.requestProof(
      {
        statement: {
          version: STATEMENT_VERSION,
          chainId: terms.contracts.chainId,
          escrow: terms.contracts.jobEscrow,
          jobId: job.jobId,
          requester: job.buyer,
          modelCommitment: getBytes(terms.modelCommitment),
          verifyingKeyHash: getBytes(terms.verifyingKeyHash),
          inputCommitment: getBytes(terms.order.inputCommitment),
        },
        modelCid: terms.modelCid,
        inputCid: terms.inputCid,
        ...urgencyOf(job),
        proofSystem,
        claimedOutput: getBytes(claimedOutput(job) || "0x"),
      },
      { idempotent: true },
    );
    const answered = proof?.proofSystem || SystemMessage.PROOF_SYSTEM_GROTH16;
    if (answered !== proofSystem) throw proverTooOld(name, SystemMessage[answered] ?? "");
    return outcomeOf(proof);
  }

  async *watch(jobId: JobId, signal: AbortSignal): AsyncGenerator<JobProgress> {
    for await (const { proof } of this.#prover.watchProof({ jobId }, { signal })) {
      if (proof?.progress === undefined) continue;
      const { stage, percent, message, figures } = proof.progress;
      // What the provider reports of the work itself has stages of its own.
      yield { stage: `proof-${stage}`, percent, message, figures };
    }
  }
}

/** As they are asked for, and as quotes name them. */
const PROOF_SYSTEMS = {
  groth16: { proofSystem: SystemMessage.PROOF_SYSTEM_GROTH16, name: "groth16-bn254" },
  honk: { proofSystem: SystemMessage.PROOF_SYSTEM_HONK, name: "ultrahonk-bn254" },
} as const;

/** Higher is proven first: what a provider is refuted with, then what only the proof settles, then what may wait. */
const PRIORITY = { refuting: 9, delivered: 7, leased: 5 } as const;

/** How urgent a job's proof is, and until when it is of use: a job that is not settled in time is refunded. */
function urgencyOf(job: Job): Pick<RequestProofRequest, "priority" | "deadlineUnixMs"> {
  const isDelivered = job.state === "delivered" || job.state === "pending";
  return {
    priority:
      PRIORITY[job.proof.refutingOutput === undefined ? (isDelivered ? "delivered" : "leased") : "refuting"],
    deadlineUnixMs: usefulUntilMs(job),
  };
}

/** While a window is open nothing is refuted after it. A job whose lease is not on chain yet has no clock that runs. */
function usefulUntilMs(job: Job): number | undefined {
  if (job.state === "pending") return job.pendingUntilMs;
  const sinceMs = job.state === "delivered" ? job.deliveredAtMs : liveLease(job)?.deliverByMs;
  return sinceMs ? sinceMs + Number(job.terms.order.settleWithinSeconds) * 1_000 : undefined;
}

function outcomeOf(proof: ProofJob | undefined): ProofOutcome {
  switch (proof?.state) {
    case ProofState.PROOF_STATE_PROVEN:
      return {
        state: "proven",
        evidence: `0x${Buffer.from(proof.evidence).toString("hex")}`,
        evidenceCid: proof.evidenceCid,
        error: undefined,
      };
    case ProofState.PROOF_STATE_FAILED: {
      const { code, message, detailsJson } = proof.error ?? {
        code: "proof-failed",
        message: "The proof failed.",
        detailsJson: "{}",
      };
      return { state: "failed", evidence: "", evidenceCid: "", error: { code, message, detailsJson } };
    }
    default:
      return { state: "running", evidence: "", evidenceCid: "", error: undefined };
  }
}
