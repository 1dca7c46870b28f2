import { decodeVerifyingKey, verifyingKeyHash } from "@aios/core-groth16/verifying-key";
import { type Claim, type Failure, leaseLost } from "@aios/core-proving-queue/work-queue";
import type { Clock } from "@aios/kernel/clock";
import type { Bytes32, TenantId } from "@aios/kernel/identifiers";
import { bytes32 } from "@aios/kernel/identifiers";
import { topics } from "@aios/proto/topics";
import { outbox } from "@aios/service-kit/outbox";
import { currentTraceHeaders } from "@aios/service-kit/tracing";
import type { ModelKey, Prisma, PrismaClient } from "../../../generated/prisma/client.js";
import { keyDiffers, keyNotFound } from "../../domain/errors.js";
import {
  type KeyCeremony,
  type KeyMaterial,
  type KeyRequest,
  type KeyState,
  type ModelKeyRecord,
  sameCeremony,
} from "../../domain/model-key.js";
import type { ModelKeyStore } from "../../domain/ports.js";
import { failureOfRow, PrismaWorkQueue } from "./prisma-work-queue.js";
import { WorkRows } from "./work-rows.js";

const rows = new WorkRows({
  table: "model_key",
  id: "model_commitment",
  openStates: ["setting-up"],
  heldState: "setting-up",
  group: '"model_commitment"',
  priority: "0::int",
  deadline: "NULL::timestamptz",
});
const LONG_AGO = new Date(0);

export class PrismaModelKeyStore extends PrismaWorkQueue<ModelKeyRecord> implements ModelKeyStore {
  constructor(prisma: PrismaClient, clock: Clock) {
    super(prisma, clock, rows);
  }

  async find(modelCommitment: Bytes32): Promise<ModelKeyRecord | undefined> {
    const row = await this.prisma.modelKey.findUnique({ where: { modelCommitment } });
    return row === null ? undefined : recordOf(row);
  }

  async request(request: KeyRequest, tenantId: TenantId): Promise<ModelKeyRecord> {
    const { modelCommitment, modelCid, ceremony } = request;
    const now = new Date(this.clock.now());
    const fresh = {
      modelCid,
      ceremonyTranscriptCid: ceremony?.transcriptCid ?? null,
      ceremonyKeyCid: ceremony?.provingKeyCid ?? null,
      ceremonyPowersCid: ceremony?.powersCid ?? null,
      state: "setting-up",
      nextAttemptAt: now,
      leaseUntil: LONG_AGO,
      traceHeaders: currentTraceHeaders(),
      requestedAt: now,
    };
    await this.prisma.$transaction(async (transaction) => {
      const { count } = await transaction.modelKey.createMany({
        data: { modelCommitment, tenantId, ...fresh },
        skipDuplicates: true,
      });
      if (count === 1) return;
      const row = await transaction.modelKey.findUniqueOrThrow({ where: { modelCommitment } });
      if (row.modelCid === modelCid && sameCeremony(ceremonyOf(row), ceremony)) return;
      await transaction.modelKey.updateMany({
        where: { modelCommitment, state: "failed", fencingToken: row.fencingToken },
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
    const record = await this.find(modelCommitment);
    if (record === undefined) throw keyNotFound();
    if (!sameCeremony(record.ceremony, ceremony)) throw keyDiffers();
    return record;
  }

  protected workOf(id: string): Promise<ModelKeyRecord | undefined> {
    return this.find(bytes32(id));
  }

  async complete(claim: Claim, material: KeyMaterial): Promise<void> {
    await this.prisma.$transaction(async (transaction) => {
      const { count } = await transaction.modelKey.updateMany({
        where: { modelCommitment: claim.id, fencingToken: claim.fencingToken, state: "setting-up" },
        data: {
          ...material,
          verifyingKey: Uint8Array.from(material.verifyingKey),
          provingKeyHash: Uint8Array.from(material.provingKeyHash),
          provingKeySecret: Uint8Array.from(material.provingKeySecret),
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
        where: { modelCommitment: claim.id },
      });
      await outbox.add(transaction, topics.proverKeyEnded, {
        modelCommitment: Buffer.from(claim.id.slice(2), "hex"),
        ready: true,
        verifyingKeyHash: verifyingKeyHash(decodeVerifyingKey(material.verifyingKey)),
        verifyingKeyCid: material.verifyingKeyCid,
        trust: material.trust,
        errorCode: "",
        errorMessage: "",
        ceremonyTranscriptHash: material.ceremonyTranscriptHash ?? new Uint8Array(0),
        ceremonyTranscriptCid: ceremonyTranscriptCid ?? "",
      });
    });
  }

  protected async announceFailure(
    transaction: Prisma.TransactionClient,
    claim: Claim,
    failure: Failure,
  ): Promise<void> {
    await outbox.add(transaction, topics.proverKeyEnded, {
      modelCommitment: Buffer.from(claim.id.slice(2), "hex"),
      ready: false,
      verifyingKeyHash: new Uint8Array(0),
      verifyingKeyCid: "",
      trust: "",
      errorCode: failure.code,
      errorMessage: failure.message,
      ceremonyTranscriptHash: new Uint8Array(0),
      ceremonyTranscriptCid: "",
    });
  }
}

function recordOf(row: ModelKey): ModelKeyRecord {
  return {
    modelCommitment: bytes32(row.modelCommitment),
    tenantId: row.tenantId as TenantId,
    modelCid: row.modelCid,
    ceremony: ceremonyOf(row),
    state: row.state as KeyState,
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
  const none = new Uint8Array(0);
  return {
    verifyingKey: row.verifyingKey ?? none,
    verifyingKeyCid: row.verifyingKeyCid ?? "",
    provingKeyHash: row.provingKeyHash ?? none,
    provingKeyCid: row.provingKeyCid ?? "",
    provingKeySecret: row.provingKeySecret ?? none,
    provingKeyBytes: row.provingKeyBytes ?? 0,
    constraintCount: row.constraintCount ?? 0,
    setUpMs: row.setUpMs ?? 0,
    trust: row.trust ?? "",
    ceremonyTranscriptHash: row.ceremonyTranscriptHash ?? undefined,
  };
}
