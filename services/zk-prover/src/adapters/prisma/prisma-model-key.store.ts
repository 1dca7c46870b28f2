import { type Claim, type Failure, leaseLost } from "@aios/core-proving-queue/work-queue";
import type { Clock } from "@aios/kernel/clock";
import type { TenantId } from "@aios/kernel/identifiers";
import { HonkKeySetUpEnded, KeySetUpEnded } from "@aios/proto/aios/events/v1/events";
import { topics } from "@aios/proto/topics";
import { outbox } from "@aios/service-kit/outbox";
import type { PgSqlClient } from "@aios/service-kit/sql-executor";
import { currentTraceHeaders } from "@aios/service-kit/tracing";
import { type ModelKey, Prisma, type PrismaClient } from "../../../generated/prisma/client.js";
import { keyDiffers, keyNotFound } from "../../domain/errors.js";
import {
  type KeyCeremony,
  type KeyMaterial,
  type KeyRequest,
  type KeyState,
  type ModelKeyRecord,
  type StoredProvingKey,
  sameCeremony,
  verifyingKeyHash,
} from "../../domain/model-key.js";
import type { ModelKeyStore } from "../../domain/ports.js";
import {
  PROOF_SYSTEMS,
  type ProofSystem,
  type ProvenModel,
  provenModelId,
  provenModelOf,
} from "../../domain/proof-system.js";
import { columnsOf, failureOfRow, fieldsOf, PrismaWorkQueue } from "./prisma-work-queue.js";
import { openState, stateOfRow, type WorkRow, WorkRows } from "./work-rows.js";

const rows = new WorkRows({
  table: "model_key",
  id: '"model_commitment"',
  openStates: ["setting-up"],
  heldState: "setting-up",
  group: '"model_commitment"',
  priority: "0::int",
  deadline: "NULL::timestamptz",
  columns: columnsOf({ ...Prisma.ModelKeyScalarFieldEnum, provenModelId: "modelCommitment" }),
});
const LONG_AGO = new Date(0);
const NOTHING = new Uint8Array(0);

export class PrismaModelKeyStore extends PrismaWorkQueue<ModelKeyRecord> implements ModelKeyStore {
  /** `systems`: whose work this process takes. */
  constructor(
    prisma: PrismaClient,
    pool: PgSqlClient,
    clock: Clock,
    systems = (): readonly ProofSystem[] => PROOF_SYSTEMS,
  ) {
    super(prisma, pool, clock, rows, systems);
  }

  // By its id: one key serves a model, whoever asked for it first.
  async find(model: ProvenModel): Promise<ModelKeyRecord | undefined> {
    const row = await this.prisma.modelKey.findUnique({ where: { provenModelId: provenModelId(model) } });
    return row === null ? undefined : recordOf(row);
  }

  // By its id: one key serves a model, whoever asked for it first.
  async request(request: KeyRequest, tenantId: TenantId): Promise<ModelKeyRecord> {
    const { modelCid, ceremony } = request;
    const id = provenModelId(request);
    const now = new Date(this.clock.now());
    const fresh = {
      modelCid,
      ceremonyTranscriptCid: ceremony?.transcriptCid ?? null,
      ceremonyKeyCid: ceremony?.provingKeyCid ?? null,
      ceremonyPowersCid: ceremony?.powersCid ?? null,
      state: openState("setting-up", request.proofSystem),
      nextAttemptAt: now,
      leaseUntil: LONG_AGO,
      traceHeaders: currentTraceHeaders(),
      requestedAt: now,
    };
    await this.prisma.$transaction(async (transaction) => {
      const { count } = await transaction.modelKey.createMany({
        data: { provenModelId: id, tenantId, ...fresh },
        skipDuplicates: true,
      });
      if (count === 1) return;
      const row = await transaction.modelKey.findUniqueOrThrow({ where: { provenModelId: id } });
      if (row.modelCid === modelCid && sameCeremony(ceremonyOf(row), ceremony)) return;
      await transaction.modelKey.updateMany({
        where: { provenModelId: id, state: "failed", fencingToken: row.fencingToken },
        data: {
          ...fresh,
          attempts: 0,
          abandonments: 0,
          fencingToken: { increment: 1 },
          endedAt: null,
          errorCode: null,
          errorMessage: null,
        },
      });
    });
    const record = await this.find(request);
    if (record === undefined) throw keyNotFound();
    if (!sameCeremony(record.ceremony, ceremony)) throw keyDiffers();
    return record;
  }

  protected workOf(row: WorkRow): ModelKeyRecord {
    return recordOf({ ...fieldsOf(row), provenModelId: row["model_commitment"] } as ModelKey);
  }

  // By its id: the worker's own, held by its fencing token.
  async complete(claim: Claim, material: KeyMaterial): Promise<void> {
    const model = provenModelOf(claim.id);
    const { provingKey, verifyingKeyCid, constraintCount, setUpMs, trust } = material;
    await this.prisma.$transaction(async (transaction) => {
      const { count } = await transaction.modelKey.updateMany({
        where: {
          provenModelId: claim.id,
          fencingToken: claim.fencingToken,
          state: openState("setting-up", model.proofSystem),
        },
        data: {
          verifyingKeyCid,
          constraintCount,
          inputShape: [...material.inputShape],
          multiplications: BigInt(material.multiplications),
          setUpMs,
          trust,
          verifyingKey: Uint8Array.from(material.verifyingKey),
          // Empty, not null: the release before holds that every key that is ready has them.
          provingKeyHash: Uint8Array.from(provingKey?.hash ?? []),
          provingKeyCid: provingKey?.cid ?? "",
          provingKeySecret: provingKey === undefined ? null : Uint8Array.from(provingKey.secret),
          provingKeyBytes: provingKey?.sizeBytes ?? null,
          ceremonyTranscriptHash:
            material.ceremonyTranscriptHash === undefined
              ? null
              : Uint8Array.from(material.ceremonyTranscriptHash),
          state: "ready",
          endedAt: new Date(this.clock.now()),
        },
      });
      if (count !== 1) throw leaseLost();
      const { ceremonyTranscriptCid } = await transaction.modelKey.findUniqueOrThrow({
        where: { provenModelId: claim.id },
      });
      await announce(transaction, model, {
        ready: true,
        verifyingKeyHash: verifyingKeyHash(material.verifyingKey),
        verifyingKeyCid: material.verifyingKeyCid,
        trust: material.trust,
        inputShape: [...material.inputShape],
        multiplications: material.multiplications,
        ceremonyTranscriptHash: material.ceremonyTranscriptHash ?? NOTHING,
        ceremonyTranscriptCid: ceremonyTranscriptCid ?? "",
      });
    });
  }

  protected async announceFailure(
    transaction: Prisma.TransactionClient,
    id: string,
    failure: Failure,
  ): Promise<void> {
    await announce(transaction, provenModelOf(id), {
      errorCode: failure.code,
      errorMessage: failure.message,
      errorDetailsJson: JSON.stringify(failure.details),
    });
  }
}

/** Each system's keys on a topic of their own: whoever knows Groth16 alone takes what comes on its topic for its key. */
async function announce(
  transaction: Prisma.TransactionClient,
  { modelCommitment, proofSystem }: ProvenModel,
  outcome: Partial<KeySetUpEnded & HonkKeySetUpEnded>,
): Promise<void> {
  const event = { ...outcome, modelCommitment: Buffer.from(modelCommitment.slice(2), "hex") };
  if (proofSystem === "honk")
    await outbox.add(transaction, topics.proverHonkKeyEnded, HonkKeySetUpEnded.fromPartial(event));
  else await outbox.add(transaction, topics.proverKeyEnded, KeySetUpEnded.fromPartial(event));
}

function recordOf(row: ModelKey): ModelKeyRecord {
  return {
    ...provenModelOf(row.provenModelId),
    tenantId: row.tenantId as TenantId,
    modelCid: row.modelCid,
    ceremony: ceremonyOf(row),
    state: stateOfRow(row) as KeyState,
    material: row.state === "ready" ? materialOf(row) : undefined,
    failure: row.state === "failed" ? failureOfRow(row) : undefined,
  };
}

function ceremonyOf(row: ModelKey): KeyCeremony | undefined {
  const { ceremonyTranscriptCid, ceremonyKeyCid, ceremonyPowersCid } = row;
  if (ceremonyTranscriptCid === null || ceremonyKeyCid === null || ceremonyPowersCid === null)
    return undefined;
  return {
    transcriptCid: ceremonyTranscriptCid,
    provingKeyCid: ceremonyKeyCid,
    powersCid: ceremonyPowersCid,
  };
}

function materialOf(row: ModelKey): KeyMaterial {
  return {
    verifyingKey: row.verifyingKey ?? NOTHING,
    verifyingKeyCid: row.verifyingKeyCid ?? "",
    provingKey: provingKeyOf(row),
    constraintCount: row.constraintCount ?? 0,
    inputShape: row.inputShape,
    multiplications: Number(row.multiplications),
    setUpMs: row.setUpMs ?? 0,
    trust: row.trust ?? "",
    ceremonyTranscriptHash: row.ceremonyTranscriptHash ?? undefined,
  };
}

function provingKeyOf(row: ModelKey): StoredProvingKey | undefined {
  const { provingKeyHash: hash, provingKeyCid: cid, provingKeySecret: secret, provingKeyBytes } = row;
  if (hash === null || cid === null || secret === null) return undefined;
  return { hash, cid, secret, sizeBytes: provingKeyBytes ?? 0 };
}
