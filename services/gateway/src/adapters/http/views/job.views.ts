import { CodedError } from "@aios/kernel/coded-error";
import {
  type ExplainPlacementResponse,
  type Job,
  JobKind,
  type JobSpec,
  JobState,
  type PrepareJobResponse,
  type QuoteJobResponse,
  Verification,
} from "@aios/proto/aios/compute/v1/compute";
import type { ExplainJobMoneyResponse, GetJobPaymentsResponse } from "@aios/proto/aios/economy/v1/economy";
import { type ProofJob, ProofState, ProofSystem } from "@aios/proto/aios/prover/v1/prover";
import type { z } from "zod";
import type {
  jobView,
  moneyView,
  paymentsView,
  placementView,
  preparedJobView,
  prepareJobBody,
  proofView,
  quoteBody,
  quotesView,
} from "../schemas/job.schemas.js";
import {
  bytesOf,
  countOrNull,
  errorOrNull,
  hex,
  hexOrNull,
  jsonOrNull,
  named,
  progressOrNull,
  signingRequestView,
  textOrNull,
} from "./scalar.views.js";

const STATES = {
  [JobState.JOB_STATE_PREPARED]: "prepared",
  [JobState.JOB_STATE_FUNDING]: "funding",
  [JobState.JOB_STATE_FUNDED]: "funded",
  [JobState.JOB_STATE_LEASED]: "leased",
  [JobState.JOB_STATE_DELIVERED]: "delivered",
  [JobState.JOB_STATE_PENDING]: "pending",
  [JobState.JOB_STATE_SETTLED]: "settled",
  [JobState.JOB_STATE_REFUNDED]: "refunded",
  [JobState.JOB_STATE_FAILED]: "failed",
} as const;
const KINDS = { [JobKind.JOB_KIND_TRAINING]: "training", [JobKind.JOB_KIND_INFERENCE]: "inference" } as const;
const VERIFICATIONS = {
  [Verification.VERIFICATION_NONE]: "none",
  [Verification.VERIFICATION_SAMPLE]: "sample",
  [Verification.VERIFICATION_REPLICATE]: "replicate",
  [Verification.VERIFICATION_PROOF]: "proof",
  [Verification.VERIFICATION_HONK]: "honk",
} as const;
const PROOF_STATES = {
  [ProofState.PROOF_STATE_QUEUED]: "queued",
  [ProofState.PROOF_STATE_PROVING]: "proving",
  [ProofState.PROOF_STATE_PROVEN]: "proven",
  [ProofState.PROOF_STATE_FAILED]: "failed",
} as const;

/** States that nothing leaves. */
export function isEnded(state: z.infer<typeof jobView>["state"]): boolean {
  return state === "settled" || state === "refunded" || state === "failed";
}

const VERIFICATION_MESSAGES = {
  none: Verification.VERIFICATION_NONE,
  sample: Verification.VERIFICATION_SAMPLE,
  replicate: Verification.VERIFICATION_REPLICATE,
  proof: Verification.VERIFICATION_PROOF,
  honk: Verification.VERIFICATION_HONK,
} as const;

export function verificationMessage(verification: keyof typeof VERIFICATION_MESSAGES): Verification {
  return VERIFICATION_MESSAGES[verification];
}

export function jobSpecMessage(spec: z.infer<typeof quoteBody> | z.infer<typeof prepareJobBody>): JobSpec {
  return {
    training: spec.training,
    inference:
      spec.inference === undefined
        ? undefined
        : { modelId: spec.inference.modelId, input: Buffer.from(bytesOf(spec.inference.input)) },
  };
}

export function jobViewOf(job: Job | undefined): z.infer<typeof jobView> {
  if (job === undefined) throw missing("job");
  const funded = job.provider !== "";
  return {
    jobId: job.jobId,
    state: named(STATES, job.state),
    kind: named(KINDS, job.kind),
    verification: named(VERIFICATIONS, job.verification),
    trust: textOrNull(job.trust),
    buyer: job.buyer,
    modelId: countOrNull(job.modelId),
    licenceId: countOrNull(job.licenceId),
    priceCapWei: job.priceCapWei,
    provider: textOrNull(job.provider),
    replicaProvider: textOrNull(job.replicaProvider),
    fencingToken: job.fencingToken,
    agreedPriceWei: funded ? textOrNull(job.agreedPriceWei) : null,
    inputCid: textOrNull(job.inputCid),
    inputCommitment: hexOrNull(job.inputCommitment),
    output: hexOrNull(job.output),
    outputCid: textOrNull(job.outputCid),
    outputKey: jsonOrNull(job.outputKeyJson),
    proofCid: textOrNull(job.proofCid),
    steps: job.steps.map((step) => ({
      name: step.name,
      atMs: step.atMs,
      transactionHash: textOrNull(step.transactionHash),
      gasUsed: countOrNull(step.gasUsed),
      note: step.note,
    })),
    progress: progressOrNull(job.progress),
    error: errorOrNull(job.error),
    traceId: job.traceId,
    createdAtMs: job.createdAtMs,
    receipt: jsonOrNull(job.receiptJson),
    order: jsonOrNull(job.orderJson),
  };
}

export function preparedJobViewOf(answer: PrepareJobResponse): z.infer<typeof preparedJobView> {
  return {
    job: jobViewOf(answer.job),
    toSign: answer.toSign.map(signingRequestView),
    inputSalt: hexOrNull(answer.inputSalt),
  };
}

export function quotesViewOf(answer: QuoteJobResponse): z.infer<typeof quotesView> {
  return {
    quotes: answer.quotes.map((quote) => ({
      verification: named(VERIFICATIONS, quote.verification),
      priceWei: quote.priceWei,
      expectedMs: quote.expectedMs,
      verificationGas: countOrNull(quote.verificationGas),
      proofSystem: textOrNull(quote.proofSystem),
      absent: quote.absent.map(({ name, reason }) => ({ name, reason })),
      trust: quote.trust,
      visibility: quote.visibility,
    })),
    refusals: answer.refusals.map((refused) => ({
      verification: named(VERIFICATIONS, refused.verification),
      code: refused.code,
      message: refused.message,
      fits:
        refused.fits === Verification.VERIFICATION_UNSPECIFIED ? null : named(VERIFICATIONS, refused.fits),
    })),
  };
}

export function placementViewOf(answer: ExplainPlacementResponse): z.infer<typeof placementView> {
  return {
    placements: answer.placements.map((placement) => ({
      fencingToken: placement.fencingToken,
      decidedAtMs: placement.decidedAtMs,
      candidates: placement.candidates.map((candidate) => ({
        provider: candidate.provider,
        chosen: candidate.chosen,
        removedBy: textOrNull(candidate.removedBy),
        explanation: candidate.explanation,
        scoreParts: candidate.scoreParts,
        score: candidate.score,
        offeredPriceWei: candidate.offeredPriceWei,
      })),
      considered: placement.considered,
      removed: placement.removed,
      endedBecause: textOrNull(placement.endedBecause),
    })),
    advice: answer.advice,
  };
}

type PaymentKind = z.infer<typeof paymentsView>["payments"][number]["kind"];

export function paymentsViewOf(answer: GetJobPaymentsResponse): z.infer<typeof paymentsView> {
  return {
    payments: answer.payments.map((payment) => ({
      kind: payment.kind as PaymentKind,
      account: payment.account,
      amountWei: payment.amountWei,
      transactionHash: payment.transactionHash,
      blockNumber: payment.blockNumber,
    })),
  };
}

export function moneyViewOf(answer: ExplainJobMoneyResponse): z.infer<typeof moneyView> {
  return {
    state: answer.state,
    explanation: answer.explanation,
    nextActor: textOrNull(answer.nextActor),
    deadlineSeconds: countOrNull(answer.deadlineSeconds),
  };
}

export function proofViewOf(proof: ProofJob | undefined): z.infer<typeof proofView> {
  if (proof === undefined) throw missing("proof");
  return {
    jobId: proof.jobId,
    state: named(PROOF_STATES, proof.state),
    proofSystem: proof.proofSystem === ProofSystem.PROOF_SYSTEM_HONK ? "honk" : "groth16",
    proof: hexOrNull(proof.proof),
    publicInputs: proof.publicInputs.map(hex),
    evidence: hexOrNull(proof.evidence),
    evidenceCid: textOrNull(proof.evidenceCid),
    proveMs: proof.state === ProofState.PROOF_STATE_PROVEN ? proof.proveMs : null,
    trust: textOrNull(proof.trust),
    progress: progressOrNull(proof.progress),
    error: errorOrNull(proof.error),
  };
}

/** An answer without its body: the peer broke the contract. */
export function missing(what: string): CodedError {
  return new CodedError({
    code: "unreadable-answer",
    kind: "internal",
    message: "A part of the platform gave an empty answer. The trace id leads an operator to the cause.",
    details: { what },
  });
}
