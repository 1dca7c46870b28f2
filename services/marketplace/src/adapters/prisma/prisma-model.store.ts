import { createHash, randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { type Address, type Bytes32, type TenantId, tenantOfAccount } from "@aios/kernel/identifiers";
import type { PrismaClient } from "../../../generated/prisma/client.js";
import { modelAlreadyDrafted, modelNotFound, wrongState } from "../../domain/errors.js";
import {
  type ChainModel,
  differingTerms,
  type Failure,
  type Model,
  type ModelState,
  type ModelTerms,
  publishedTermsDiffer,
} from "../../domain/model.js";
import type { EndedKey, ModelStore, WantedKeys } from "../../domain/ports.js";
import { failureColumns, honkFailureColumns, toCeremony, toModel } from "./mapping.js";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const WAITING: ModelState[] = ["draft", "setting-up-keys"];
const PUBLISHABLE: ModelState[] = ["ready", "publishing"];

/** Of a draft whose keys nobody has asked for: what an earlier try left says nothing about this one. */
const NO_KEYS = {
  verifyingKeyHash: null,
  verifyingKeyCid: null,
  keyTrust: null,
  inputShape: [],
  multiplications: 0n,
  ceremonyTranscriptHash: null,
  honkKeyHash: null,
  honkKeyCid: null,
  honkKeyTrust: null,
};

export class PrismaModelStore implements ModelStore {
  constructor(private readonly prisma: PrismaClient) {}

  async create(
    tenant: TenantId,
    owner: Address,
    terms: ModelTerms,
    { ceremony, honk }: WantedKeys,
    nowMs: number,
  ): Promise<Model> {
    const requestHash = hashOf(terms);
    const wanted = {
      wantsHonkKey: honk,
      ceremonyTranscriptCid: ceremony?.transcriptCid ?? null,
      ceremonyKeyCid: ceremony?.provingKeyCid ?? null,
      ceremonyPowersCid: ceremony?.powersCid ?? null,
    };
    await this.prisma.modelDraft.createMany({
      data: [
        {
          ...terms,
          draftId: randomUUID(),
          tenant,
          owner,
          licencePriceWei: terms.licencePriceWei.toString(),
          usageFeeWei: terms.usageFeeWei.toString(),
          requestHash,
          ...wanted,
          state: "draft",
          createdAtMs: BigInt(nowMs),
          updatedAtMs: BigInt(nowMs),
        },
      ],
      skipDuplicates: true,
    });
    const row = await this.prisma.modelDraft.findUniqueOrThrow({
      where: { tenant, owner_modelCommitment: { owner, modelCommitment: terms.modelCommitment } },
    });
    if (row.requestHash !== requestHash) throw modelAlreadyDrafted(row.draftId);
    if (row.state !== "failed") {
      const model = toModel(row);
      // Without the UltraHonk key that could not be made the draft is what is asked for.
      const isHonkAsAsked = row.wantsHonkKey === honk || (!honk && model.honkRefusal !== undefined);
      if (!isHonkAsAsked || !isDeepStrictEqual(toCeremony(row), ceremony))
        throw modelAlreadyDrafted(row.draftId);
      return model;
    }
    // Asked for again after its keys could not be made: another try.
    await this.prisma.modelDraft.updateMany({
      where: { draftId: row.draftId, tenant, state: "failed" },
      data: {
        state: "draft",
        ...wanted,
        ...NO_KEYS,
        ...failureColumns(undefined),
        ...honkFailureColumns(undefined),
        updatedAtMs: BigInt(nowMs),
      },
    });
    return this.byDraft(row.draftId);
  }

  // By its id: nobody can guess it, and who asks for a user compares the owner.
  async byDraft(draftId: string): Promise<Model> {
    if (!UUID.test(draftId)) throw modelNotFound(draftId);
    const row = await this.prisma.modelDraft.findUnique({ where: { draftId } });
    if (row === null) throw modelNotFound(draftId);
    return toModel(row);
  }

  // By its id: a published model is everybody's to read.
  async byModelId(modelId: bigint): Promise<Model> {
    const row = await this.prisma.modelDraft.findUnique({ where: { modelId } });
    if (row === null) throw modelNotFound(modelId.toString());
    return toModel(row);
  }

  // All tenants: published models are everybody's to read.
  async published(before: bigint | undefined, limit: number): Promise<readonly Model[]> {
    const rows = await this.prisma.modelDraft.findMany({
      where: { state: "published", ...(before === undefined ? {} : { sequence: { lt: before } }) },
      orderBy: { sequence: "desc" },
      take: limit,
    });
    return rows.map(toModel);
  }

  // All tenants: the service goes on with everybody's unfinished steps.
  async inState(state: ModelState, limit: number): Promise<readonly Model[]> {
    const rows = await this.prisma.modelDraft.findMany({
      where: { state },
      orderBy: { updatedAtMs: "asc" },
      take: limit,
    });
    return rows.map(toModel);
  }

  // By its id: nobody can guess it, and who asks for a user compares the owner.
  async keysBegun(draftId: string, nowMs: number): Promise<void> {
    await this.prisma.modelDraft.updateMany({
      where: { draftId, state: "draft" },
      data: { state: "setting-up-keys", updatedAtMs: BigInt(nowMs) },
    });
  }

  // All tenants: one key serves every draft of the same model.
  async keyEnded(modelCommitment: Bytes32, ended: EndedKey, nowMs: number): Promise<void> {
    const waiting = { modelCommitment, state: { in: WAITING } };
    const updatedAtMs = BigInt(nowMs);
    await this.prisma.$transaction(async (transaction) => {
      await transaction.modelDraft.updateMany({
        where: ended.proofSystem === "honk" ? { ...waiting, wantsHonkKey: true } : waiting,
        data: { ...outcomeOf(ended), updatedAtMs },
      });
      await transaction.modelDraft.updateMany({
        where: {
          ...waiting,
          verifyingKeyHash: { not: null },
          OR: [{ wantsHonkKey: false }, { honkKeyHash: { not: null } }, { honkErrorCode: { not: null } }],
        },
        data: { state: "ready", ...failureColumns(undefined), updatedAtMs },
      });
    });
  }

  // By its id: nobody can guess it, and who asks for a user compares the owner.
  async preparePublication(
    draftId: string,
    nonce: bigint,
    deadlineSeconds: bigint,
    renewBefore: bigint,
    nowMs: number,
  ): Promise<Model> {
    await this.prisma.modelDraft.updateMany({
      where: {
        draftId,
        state: "ready",
        OR: [{ publicationNonce: null }, { publicationDeadline: { lt: renewBefore } }],
      },
      data: {
        publicationNonce: nonce.toString(),
        publicationDeadline: deadlineSeconds,
        publicationSignature: null,
        updatedAtMs: BigInt(nowMs),
      },
    });
    return this.byDraft(draftId);
  }

  // By its id: nobody can guess it, and who asks for a user compares the owner.
  async submitPublication(draftId: string, signature: Uint8Array, nowMs: number): Promise<Model> {
    await this.prisma.modelDraft.updateMany({
      where: { draftId, state: "ready" },
      data: {
        state: "publishing",
        publicationSignature: Buffer.from(signature),
        ...failureColumns(undefined),
        updatedAtMs: BigInt(nowMs),
      },
    });
    const model = await this.byDraft(draftId);
    if (model.state !== "publishing" && model.state !== "published")
      throw wrongState("model", model.state, "ready");
    return model;
  }

  // By its id: nobody can guess it, and who asks for a user compares the owner.
  async publicationFailed(draftId: string, nonce: bigint, failure: Failure, nowMs: number): Promise<void> {
    await this.prisma.modelDraft.updateMany({
      where: { draftId, state: "publishing", publicationNonce: nonce.toString() },
      data: {
        state: "ready",
        publicationNonce: null,
        publicationDeadline: null,
        publicationSignature: null,
        ...failureColumns(failure),
        updatedAtMs: BigInt(nowMs),
      },
    });
  }

  async publishedOnChain(onChain: ChainModel, nowMs: number): Promise<void> {
    const { owner, modelCommitment, modelId, transactionHash } = onChain;
    const row = await this.prisma.modelDraft.findFirst({
      where: { tenant: tenantOfAccount(owner), owner, modelCommitment, state: { in: PUBLISHABLE } },
    });
    if (row === null) return;
    // Terms and key of a publishable draft never change, so what was read still holds.
    const differing = differingTerms(toModel(row), onChain);
    const outcome =
      differing.length === 0
        ? { state: "published", modelId, transactionHash, ...failureColumns(undefined) }
        : { state: "failed", ...failureColumns(publishedTermsDiffer(modelId, differing)) };
    await this.prisma.modelDraft.updateMany({
      where: { draftId: row.draftId, tenant: row.tenant, state: { in: PUBLISHABLE } },
      data: { ...outcome, updatedAtMs: BigInt(nowMs) },
    });
  }
}

/** Without a Groth16 key there is no model; without an UltraHonk key it is offered by Groth16 only. */
function outcomeOf(ended: EndedKey) {
  if (ended.proofSystem === "honk") {
    return "hash" in ended.result
      ? {
          honkKeyHash: ended.result.hash,
          honkKeyCid: ended.result.cid,
          honkKeyTrust: ended.result.trust,
          ...honkFailureColumns(undefined),
        }
      : honkFailureColumns(ended.result);
  }
  return "hash" in ended.result
    ? {
        verifyingKeyHash: ended.result.hash,
        verifyingKeyCid: ended.result.cid,
        keyTrust: ended.result.trust,
        inputShape: [...ended.result.inputShape],
        multiplications: BigInt(ended.result.multiplications),
        ceremonyTranscriptHash: ended.result.ceremony?.transcriptHash ?? null,
      }
    : { state: "failed", ...failureColumns(ended.result) };
}

function hashOf(terms: ModelTerms): string {
  const parts = [
    terms.name,
    terms.description,
    terms.contentCid,
    terms.licencePriceWei.toString(),
    terms.royaltyBps,
    terms.usageFeeWei.toString(),
    terms.reportJson,
  ];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
