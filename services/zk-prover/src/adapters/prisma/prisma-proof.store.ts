import { bytesToInteger } from "@aios/core-zkml/scalar-field";
import type { Clock } from "@aios/kernel/clock";
import type { CodedError } from "@aios/kernel/coded-error";
import { address, bytes32, type JobId, jobId, type TenantId } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import { topics } from "@aios/proto/topics";
import { outbox } from "@aios/service-kit/outbox";
import { currentTraceHeaders } from "@aios/service-kit/tracing";
import type { Prisma, PrismaClient, ProofJob } from "../../../generated/prisma/client.js";
import {
  leaseLost,
  oracleDisagrees,
  proofNotFound,
  proofRequestDiffers,
  queueFull,
} from "../../domain/errors.js";
import type { ProofStore } from "../../domain/ports.js";
import {
  type ProofJobRecord,
  type ProofRequest,
  type ProofResult,
  type ProofState,
  sameStatement,
} from "../../domain/proof-job.js";
import type { Claim, Failure } from "../../domain/work.js";
import { WorkRows } from "./work-rows.js";

const OPEN_STATES = ["queued", "proving"];
const rows = new WorkRows({
  table: "proof_job",
  id: "job_id",
  openStates: OPEN_STATES,
  heldState: "proving",
});
const LONG_AGO = new Date(0);
const WORD_BYTES = 32;

export class PrismaProofStore implements ProofStore {
  constructor(
    private readonly prisma: PrismaClient,
    private readonly clock: Clock,
  ) {}

  async find(id: JobId): Promise<ProofJobRecord | undefined> {
    const row = await this.prisma.proofJob.findUnique({ where: { jobId: id } });
    return row === null ? undefined : recordOf(row);
  }

  unfinishedCount(): Promise<number> {
    return this.prisma.proofJob.count({ where: { state: { in: OPEN_STATES } } });
  }

  async request(
    request: ProofRequest,
    tenantId: TenantId,
    limit: number,
    retryAfterMs: number,
  ): Promise<ProofJobRecord> {
    await this.prisma.$transaction(async (transaction) => {
      const before = await lockRow(transaction, request.jobId);
      if (before !== undefined && Buffer.compare(before.request_hash, request.requestHash) === 0) return;
      if (before?.state === "proven") throw await this.#answerOf(request);
      const isNew = before === undefined || !OPEN_STATES.includes(before.state);
      if (isNew && (await transaction.proofJob.count({ where: { state: { in: OPEN_STATES } } })) >= limit)
        throw queueFull(retryAfterMs);
      const data = this.#rowOf(request);
      if (before === undefined) {
        await transaction.proofJob.createMany({
          data: { jobId: request.jobId, tenantId, ...data },
          skipDuplicates: true,
        });
      } else {
        await transaction.proofJob.update({
          where: { jobId: request.jobId },
          data: {
            ...data,
            tenantId,
            attempts: 0,
            abandonments: 0,
            fencingToken: { increment: 1 },
            endedAt: null,
            errorCode: null,
            errorMessage: null,
          },
        });
      }
    });
    const record = await this.find(request.jobId);
    if (record === undefined) throw proofNotFound();
    // Two first requests at the same time: the one that came second has not written.
    if (Buffer.compare(record.request.requestHash, request.requestHash) !== 0) throw proofRequestDiffers();
    return record;
  }

  /** Why a job that is proven is not proven again: the claim is refuted by that proof, or it is about something else. */
  async #answerOf(request: ProofRequest): Promise<CodedError> {
    const proven = await this.find(request.jobId);
    if (proven === undefined || !sameStatement(proven.request, request)) return proofRequestDiffers();
    return oracleDisagrees(
      bytesToInteger(request.claimedOutput),
      bytesToInteger(proven.request.claimedOutput),
    );
  }

  #rowOf(request: ProofRequest) {
    const now = new Date(this.clock.now());
    return {
      requestHash: Uint8Array.from(request.requestHash),
      version: request.version,
      chainId: BigInt(request.chainId),
      escrow: request.escrow,
      requester: request.requester,
      modelCommitment: request.modelCommitment,
      verifyingKeyHash: Uint8Array.from(request.verifyingKeyHash),
      inputCommitment: Uint8Array.from(request.inputCommitment),
      modelCid: request.modelCid,
      inputCid: request.inputCid,
      claimedOutput: Uint8Array.from(request.claimedOutput),
      state: "queued",
      nextAttemptAt: now,
      leaseUntil: LONG_AGO,
      traceHeaders: currentTraceHeaders(),
      requestedAt: now,
    };
  }

  claim(leaseMs: number): Promise<{ claim: Claim; work: ProofJobRecord } | undefined> {
    return rows.claimWith(this.prisma, leaseMs, (id) => this.find(jobId(id)));
  }

  renew(claim: Claim, leaseMs: number): Promise<boolean> {
    return rows.renew(this.prisma, claim, leaseMs);
  }

  postpone(claim: Claim, until: TimestampMs): Promise<void> {
    return rows.postpone(this.prisma, claim, Math.max(0, until - this.clock.now()));
  }

  async complete(claim: Claim, result: ProofResult): Promise<void> {
    await this.prisma.$transaction(async (transaction) => {
      const { count } = await transaction.proofJob.updateMany({
        where: { jobId: claim.id, fencingToken: claim.fencingToken, state: "proving" },
        data: {
          state: "proven",
          proof: Uint8Array.from(result.proof),
          publicInputs: Uint8Array.from(Buffer.concat(result.publicInputs)),
          evidence: Uint8Array.from(result.evidence),
          evidenceCid: result.evidenceCid,
          proveMs: result.proveMs,
          endedAt: new Date(this.clock.now()),
        },
      });
      if (count !== 1) throw leaseLost();
      await outbox.add(transaction, topics.proverProofEnded, {
        jobId: claim.id,
        proven: true,
        errorCode: "",
        errorMessage: "",
      });
    });
  }

  async fail(claim: Claim, failure: Failure): Promise<void> {
    await this.prisma.$transaction(async (transaction) => {
      await rows.fail(transaction, claim, failure);
      await outbox.add(transaction, topics.proverProofEnded, {
        jobId: claim.id,
        proven: false,
        errorCode: failure.code,
        errorMessage: failure.message,
      });
    });
  }
}

async function lockRow(
  transaction: Prisma.TransactionClient,
  id: JobId,
): Promise<{ state: string; request_hash: Uint8Array } | undefined> {
  const found = await transaction.$queryRaw<{ state: string; request_hash: Uint8Array }[]>`
    SELECT "state", "request_hash" FROM "proof_job" WHERE "job_id" = ${id} FOR UPDATE`;
  return found[0];
}

function recordOf(row: ProofJob): ProofJobRecord {
  return {
    request: {
      jobId: jobId(row.jobId),
      version: row.version,
      chainId: Number(row.chainId),
      escrow: address(row.escrow),
      requester: address(row.requester),
      modelCommitment: bytes32(row.modelCommitment),
      verifyingKeyHash: row.verifyingKeyHash,
      inputCommitment: row.inputCommitment,
      modelCid: row.modelCid,
      inputCid: row.inputCid,
      claimedOutput: row.claimedOutput,
      requestHash: row.requestHash,
    },
    tenantId: row.tenantId as TenantId,
    state: row.state as ProofState,
    result: row.state === "proven" ? resultOf(row) : undefined,
    failure:
      row.state !== "failed"
        ? undefined
        : {
            code: row.errorCode ?? "",
            message: row.errorMessage ?? "",
            details: (row.errorDetails ?? {}) as Record<string, unknown>,
          },
  };
}

function resultOf(row: ProofJob): ProofResult {
  const none = new Uint8Array(0);
  const inputs = row.publicInputs ?? none;
  return {
    proof: row.proof ?? none,
    publicInputs: Array.from({ length: inputs.length / WORD_BYTES }, (_, index) =>
      inputs.slice(index * WORD_BYTES, (index + 1) * WORD_BYTES),
    ),
    evidence: row.evidence ?? none,
    evidenceCid: row.evidenceCid ?? "",
    proveMs: row.proveMs ?? 0,
  };
}
