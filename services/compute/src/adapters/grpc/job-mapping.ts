import { isCodedError } from "@aios/kernel/coded-error";
import type { Address, TenantId } from "@aios/kernel/identifiers";
import { tenantOfAccount } from "@aios/kernel/identifiers";
import {
  JobKind,
  type Job as JobMessage,
  type JobSpec,
  JobState,
  type Placement,
  type Provider,
  Verification,
} from "@aios/proto/aios/compute/v1/compute";
import { currentCaller } from "@aios/service-kit/caller-context";
import type { ExplainedPlacement } from "../../application/explain-placement.use-case.js";
import { outputOf } from "../../domain/counted-output.js";
import { invalidRequest, signInRequired } from "../../domain/errors.js";
import {
  type JobState as DomainState,
  type Job,
  keptReplica,
  shownLease,
  type VerificationLevel,
} from "../../domain/job.js";
import type { RequestedWork } from "../../domain/job-request.js";
import type { ProviderRecord } from "../../domain/provider.js";

const STATES: Readonly<Record<DomainState, JobState>> = {
  prepared: JobState.JOB_STATE_PREPARED,
  funding: JobState.JOB_STATE_FUNDING,
  funded: JobState.JOB_STATE_FUNDED,
  leased: JobState.JOB_STATE_LEASED,
  delivered: JobState.JOB_STATE_DELIVERED,
  pending: JobState.JOB_STATE_PENDING,
  settled: JobState.JOB_STATE_SETTLED,
  refunded: JobState.JOB_STATE_REFUNDED,
  failed: JobState.JOB_STATE_FAILED,
};

const VERIFICATIONS: Readonly<Record<VerificationLevel, Verification>> = {
  none: Verification.VERIFICATION_NONE,
  sample: Verification.VERIFICATION_SAMPLE,
  replicate: Verification.VERIFICATION_REPLICATE,
  proof: Verification.VERIFICATION_PROOF,
  honk: Verification.VERIFICATION_HONK,
};
const LEVELS = Object.keys(VERIFICATIONS) as VerificationLevel[];

/** The signed-in account that the gateway acts for. Throws `sign-in-required`. */
export function signedInAccount(): { readonly account: Address; readonly tenant: TenantId } {
  const { account, tenant } = currentCaller();
  if (account === undefined) throw signInRequired();
  return { account, tenant: tenant ?? tenantOfAccount(account) };
}

export function toVerification(value: Verification): VerificationLevel {
  const level = LEVELS.find((known) => VERIFICATIONS[known] === value);
  if (level !== undefined) return level;
  throw invalidRequest(
    "verification-unknown",
    "verification",
    `verification must be one of ${LEVELS.join(", ")}.`,
  );
}

export function fromVerification(level: VerificationLevel): Verification {
  return VERIFICATIONS[level];
}

export function toRequestedWork(spec: JobSpec | undefined): RequestedWork | undefined {
  return spec === undefined ? undefined : { training: spec.training, inference: spec.inference };
}

/** The work without its private input. */
export function specOf(job: Job): JobSpec {
  const { work } = job.terms;
  if (work.kind === "inference") return { inference: { modelId: work.modelId, input: new Uint8Array(0) } };
  const { kind: _kind, layers, ...training } = work;
  return { training: { ...training, layers: [...layers] } };
}

export function kindOf(job: Job): JobKind {
  return job.kind === "training" ? JobKind.JOB_KIND_TRAINING : JobKind.JOB_KIND_INFERENCE;
}

export function toJobMessage(job: Job): JobMessage {
  const lease = shownLease(job);
  const result = lease?.result;
  const { terms } = job;
  return {
    jobId: job.jobId,
    state: STATES[job.state],
    kind: kindOf(job),
    verification: fromVerification(job.verification),
    buyer: job.buyer,
    modelId: terms.work.kind === "inference" ? terms.work.modelId : 0,
    licenceId: terms.licenceId,
    priceCapWei: terms.order.maxPriceWei,
    provider: lease?.provider ?? "",
    fencingToken: lease?.fencingToken ?? 0,
    agreedPriceWei: lease?.terms.providerPriceWei ?? "",
    inputCid: terms.inputCid,
    inputCommitment: hexBytes(terms.order.inputCommitment),
    output: hexBytes(lease === undefined ? "" : outputOf(job, lease)),
    outputCid: result?.outputCid ?? "",
    outputKeyJson: result?.outputKeyJson ?? "",
    proofCid: job.proof.evidenceCid,
    steps: job.steps.map((step) => ({ ...step })),
    progress:
      job.progress === undefined ? undefined : { ...job.progress, figures: { ...job.progress.figures } },
    error: job.error,
    traceId: job.traceparent.split("-")[1] ?? "",
    createdAtMs: job.createdAtMs,
    receiptJson:
      result === undefined
        ? ""
        : JSON.stringify({
            message: JSON.parse(result.receiptJson) as unknown,
            signature: result.receiptSignature,
          }),
    orderJson: JSON.stringify(terms.order),
    // Jobs from before quotes were kept do not say it.
    trust: terms.trust ?? "",
    replicaProvider: keptReplica(job)?.provider ?? "",
  };
}

export function toPlacementMessage(placement: ExplainedPlacement): Placement {
  return {
    fencingToken: placement.fencingToken,
    decidedAtMs: placement.decidedAtMs,
    endedBecause: placement.endedBecause,
    considered: placement.decision.considered,
    removed: { ...placement.decision.removed },
    candidates: placement.decision.candidates.map((candidate) => ({
      provider: candidate.provider,
      chosen: candidate.chosen,
      removedBy: candidate.removedBy ?? "",
      explanation: candidate.explanation,
      scoreParts: { ...candidate.scoreParts },
      score: candidate.score,
      offeredPriceWei: candidate.offeredPriceWei?.toString() ?? "",
    })),
  };
}

export function toProviderMessage(provider: ProviderRecord, online: boolean, runningJobs: number): Provider {
  const { capabilities, selfTest } = provider;
  return {
    address: provider.address,
    name: provider.name,
    online,
    draining: provider.draining,
    capabilities: { ...capabilities, gpus: [...capabilities.gpus], jobKinds: [...capabilities.jobKinds] },
    selfTest: {
      ...selfTest,
      resultHash: hexBytes(selfTest.resultHash),
      signature: hexBytes(selfTest.signature),
    },
    stakedWei: provider.stakedWei,
    registrationTransactionHash: provider.registrationTransactionHash,
    lastSeenMs: provider.lastSeenMs,
    runningJobs,
    priceWei: { ...provider.priceWei },
  };
}

export function errorInfo(error: unknown): { code: string; message: string; detailsJson: string } {
  if (!isCodedError(error))
    return { code: "internal", message: "Something failed inside the platform.", detailsJson: "{}" };
  const details = error.field === undefined ? error.details : { ...error.details, field: error.field };
  return { code: error.code, message: error.message, detailsJson: JSON.stringify(details) };
}

export function hexBytes(hex: string): Uint8Array {
  return Buffer.from(hex.startsWith("0x") ? hex.slice(2) : hex, "hex");
}

export function bytesHex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString("hex")}`;
}
