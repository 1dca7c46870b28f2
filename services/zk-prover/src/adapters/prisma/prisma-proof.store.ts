import { admit, type Present } from "@aios/core-proving-queue/admission";
import { type Claim, type Failure, leaseLost } from "@aios/core-proving-queue/work-queue";
import { bytesToInteger } from "@aios/core-zkml/scalar-field";
import type { Clock } from "@aios/kernel/clock";
import type { CodedError } from "@aios/kernel/coded-error";
import { address, bytes32, type JobId, jobId, type TenantId } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import { topics } from "@aios/proto/topics";
import { outbox } from "@aios/service-kit/outbox";
import { type PgSqlClient, querySql, type SqlTransaction } from "@aios/service-kit/sql-executor";
import { currentTraceHeaders } from "@aios/service-kit/tracing";
import { Prisma, type PrismaClient, type ProofJob } from "../../../generated/prisma/client.js";
import { oracleDisagrees, proofNotFound, proofRequestDiffers } from "../../domain/errors.js";
import type { ProofStore } from "../../domain/ports.js";
import type { Progress } from "../../domain/progress.js";
import {
  type ProofJobRecord,
  type ProofRequest,
  type ProofResult,
  type ProofState,
  sameStatement,
} from "../../domain/proof-job.js";
import { PROOF_SYSTEMS, type ProofSystem } from "../../domain/proof-system.js";
import { columnsOf, failureOfRow, fieldsOf, PrismaWorkQueue } from "./prisma-work-queue.js";
import { openState, openStates, stateOfRow, type WorkRow, WorkRows } from "./work-rows.js";

const PROVING = openStates(["proving"]);
const OPEN_NAMES = ["queued", "proving"];
const OPEN_STATES = openStates(OPEN_NAMES);
const COLUMNS = columnsOf(Prisma.ProofJobScalarFieldEnum);
const rows = new WorkRows({
  table: "proof_job",
  id: '"job_id"',
  openStates: OPEN_NAMES,
  heldState: "proving",
  // `provenModelId`, in SQL.
  group: `"model_commitment" || CASE "proof_system" WHEN 'groth16' THEN '' ELSE ':' || "proof_system" END`,
  priority: '"priority"',
  deadline: '"deadline"',
  columns: COLUMNS,
});
const WORD_BYTES = 32;
const ANY_NUMBER = Number.MAX_SAFE_INTEGER;

/** Its name, its type and its value. */
type Column = readonly [name: string, type: string, value: unknown];

function namesOf(columns: readonly Column[]): string {
  return columns.map(([name]) => `"${name}"`).join(", ");
}

function timeText(time: TimestampMs | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString();
}

export class PrismaProofStore extends PrismaWorkQueue<ProofJobRecord> implements ProofStore {
  /** `systems`: whose work this process takes. */
  constructor(
    prisma: PrismaClient,
    pool: PgSqlClient,
    clock: Clock,
    systems = (): readonly ProofSystem[] => PROOF_SYSTEMS,
  ) {
    super(prisma, pool, clock, rows, systems);
  }

  // By its id: nobody can guess a job's, and who asks for a user compares the requester.
  async find(id: JobId): Promise<ProofJobRecord | undefined> {
    const row = await this.prisma.proofJob.findUnique({ where: { jobId: id } });
    return row === null ? undefined : recordOf(row);
  }

  async request(
    request: ProofRequest,
    tenantId: TenantId,
    limit: number,
    retryAfterMs: number,
  ): Promise<ProofJobRecord> {
    const added = await this.#add(this.pool, request, tenantId, limit);
    if (added !== undefined) return added;
    await this.prisma.$transaction(async (transaction) => {
      const before = await lockRow(transaction, request.jobId);
      const present = before === undefined ? undefined : presenceOf(before, request);
      // All tenants: the queue is one, and its length is everybody's.
      const open = await transaction.proofJob.count({ where: { state: { in: OPEN_STATES } } });
      const admission = admit(present, open, limit, retryAfterMs);
      if (admission === "known") return hurry(transaction, request);
      if (admission === "decided") throw await this.#answerOf(request);
      if (admission === "add") await this.#add(transaction, request, tenantId, ANY_NUMBER);
      else await this.#replace(transaction, request, tenantId);
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

  // All tenants: the queue is one, and its length is everybody's.
  /**
   * A job that nobody asked about yet, in one statement, while fewer than `limit` are open. Undefined where it is there
   * already and where the queue is full. Due at once by whatever clock.
   */
  async #add(
    sql: SqlTransaction,
    request: ProofRequest,
    tenantId: TenantId,
    limit: number,
  ): Promise<ProofJobRecord | undefined> {
    const columns = this.#columnsOf(request, tenantId);
    const types = columns.map(([, type], at) => `$${at + 1}::${type}`);
    const text = `INSERT INTO "proof_job" (${namesOf(columns)}, "next_attempt_at", "lease_until")
       SELECT ${types.join(", ")}, 'epoch', 'epoch'
       WHERE (SELECT count(*) FROM "proof_job" WHERE "state" IN (${OPEN_STATES.map((state) => `'${state}'`).join(", ")}))
         < $${columns.length + 1}::bigint
       ON CONFLICT ("job_id") DO NOTHING RETURNING ${COLUMNS.join(", ")}`;
    const values = [...columns.map(([, , value]) => value), BigInt(limit)];
    const [row] = await querySql<WorkRow>(sql, { name: "add-proof_job", text }, values);
    return row === undefined ? undefined : this.workOf(row);
  }

  // By its id: compute's own; a job that is proven was told apart before.
  /** What is asked instead about a job that has no proof; whoever works on it loses the lease. */
  async #replace(sql: Prisma.TransactionClient, request: ProofRequest, tenantId: TenantId): Promise<void> {
    const columns = this.#columnsOf(request, tenantId);
    const assignments = columns.map(([name, type], at) => `"${name}" = $${at + 1}::${type}`);
    await sql.$executeRawUnsafe(
      `UPDATE "proof_job" SET ${assignments.join(", ")}, "next_attempt_at" = 'epoch', "lease_until" = 'epoch',
         "attempts" = 0, "abandonments" = 0, "fencing_token" = "fencing_token" + 1, "ended_at" = NULL,
         "error_code" = NULL, "error_message" = NULL
       WHERE "job_id" = $1::text`,
      ...columns.map(([, , value]) => value),
    );
  }

  #columnsOf(request: ProofRequest, tenantId: TenantId): readonly Column[] {
    return [
      ["job_id", "text", request.jobId],
      ["tenant_id", "text", tenantId],
      ["request_hash", "bytea", Uint8Array.from(request.requestHash)],
      ["version", "int", request.version],
      ["chain_id", "bigint", BigInt(request.chainId)],
      ["escrow", "text", request.escrow],
      ["requester", "text", request.requester],
      ["model_commitment", "text", request.modelCommitment],
      ["proof_system", "text", request.proofSystem],
      ["verifying_key_hash", "bytea", Uint8Array.from(request.verifyingKeyHash)],
      ["input_commitment", "bytea", Uint8Array.from(request.inputCommitment)],
      ["model_cid", "text", request.modelCid],
      ["input_cid", "text", request.inputCid],
      ["claimed_output", "bytea", Uint8Array.from(request.claimedOutput)],
      ["priority", "int", request.priority],
      ["deadline", "text::timestamptz", timeText(request.deadline)],
      ["state", "text", openState("queued", request.proofSystem)],
      ["trace_headers", "text::jsonb", JSON.stringify(currentTraceHeaders())],
      ["requested_at", "text::timestamptz", timeText(this.clock.now())],
    ];
  }

  protected workOf(row: WorkRow): ProofJobRecord {
    return recordOf(fieldsOf(row) as ProofJob);
  }

  // By its id: the worker's own, held by its fencing token.
  async complete(claim: Claim, result: ProofResult): Promise<void> {
    const change = {
      name: "end-proof_job",
      sql: `UPDATE "proof_job" SET "state" = 'proven', "proof" = $4::bytea, "public_inputs" = $5::bytea, "evidence" = $6::bytea,
         "evidence_cid" = $7::text, "prove_ms" = $8::int, "ended_at" = clock_timestamp()
       WHERE "job_id" = $1::text AND "fencing_token" = $2::text::bigint AND "state" = ANY($3::text[])`,
      values: [
        claim.id,
        claim.fencingToken.toString(),
        PROVING,
        Uint8Array.from(result.proof),
        Uint8Array.from(Buffer.concat(result.publicInputs)),
        Uint8Array.from(result.evidence),
        result.evidenceCid,
        result.proveMs,
      ],
    };
    const ended = { jobId: claim.id, proven: true, errorCode: "", errorMessage: "" };
    if (!(await outbox.addWith(this.pool, change, topics.proverProofEnded, ended))) throw leaseLost();
  }

  // By its id: the worker's own, held by its fencing token.
  async report(claim: Claim, progress: Progress): Promise<void> {
    const holder = claim.fencingToken.toString();
    await this.prisma.proofJob.updateMany({
      where: { jobId: claim.id, fencingToken: claim.fencingToken, state: { in: PROVING } },
      data: { progress: { ...progress, figures: { ...progress.figures }, holder } },
    });
  }

  protected async announceFailure(
    transaction: Prisma.TransactionClient,
    id: string,
    failure: Failure,
  ): Promise<void> {
    await outbox.add(transaction, topics.proverProofEnded, {
      jobId: id,
      proven: false,
      errorCode: failure.code,
      errorMessage: failure.message,
    });
  }
}

function presenceOf(
  row: { state: string; request_hash: Uint8Array },
  { requestHash }: ProofRequest,
): Present {
  return {
    isOpen: OPEN_STATES.includes(row.state),
    hasResult: row.state === "proven",
    isSame: Buffer.compare(row.request_hash, requestHash) === 0,
  };
}

// By its id: compute's own; a request about another statement is refused by its hash.
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
      proofSystem: row.proofSystem as ProofSystem,
      verifyingKeyHash: row.verifyingKeyHash,
      inputCommitment: row.inputCommitment,
      modelCid: row.modelCid,
      inputCid: row.inputCid,
      claimedOutput: row.claimedOutput,
      priority: row.priority,
      deadline: row.deadline === null ? undefined : (row.deadline.getTime() as TimestampMs),
      requestHash: row.requestHash,
    },
    tenantId: row.tenantId as TenantId,
    state: stateOfRow(row) as ProofState,
    result: row.state === "proven" ? resultOf(row) : undefined,
    failure: row.state === "failed" ? failureOfRow(row) : undefined,
    progress: stateOfRow(row) === "proving" ? progressOf(row) : undefined,
  };
}

/** Of its present holder; what an earlier one said is over. */
function progressOf({ progress, fencingToken }: ProofJob): Progress | undefined {
  if (progress === null) return undefined;
  const { holder, ...said } = progress as unknown as Progress & { readonly holder: string };
  return holder === fencingToken.toString() ? said : undefined;
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

/** The same proof, asked for again with more urgency: it moves ahead, and is of use for as long as is said now. */
// By its id: compute's own; a request about another statement was refused before.
async function hurry(transaction: Prisma.TransactionClient, request: ProofRequest): Promise<void> {
  const { jobId, priority, deadline } = request;
  const open = { jobId, state: { in: OPEN_STATES } };
  await transaction.proofJob.updateMany({
    where: { ...open, priority: { lt: priority } },
    data: { priority },
  });
  if (deadline === undefined) return;
  await transaction.proofJob.updateMany({ where: open, data: { deadline: new Date(deadline) } });
}
