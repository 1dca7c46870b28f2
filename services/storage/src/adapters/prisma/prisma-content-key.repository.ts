import type { ContentId, TenantId } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import type { PrismaClient } from "../../../generated/prisma/client.js";
import type { DepositedKey, KeyRelease } from "../../domain/content-key.js";
import type { ContentKeyRepository } from "../../domain/ports.js";

export class PrismaContentKeyRepository implements ContentKeyRepository {
  readonly #prisma: PrismaClient;

  constructor(prisma: PrismaClient) {
    this.#prisma = prisma;
  }

  async deposit(key: DepositedKey): Promise<void> {
    const values = {
      keyId: key.keyId,
      ephemeralPublicKey: Uint8Array.from(key.sealedKey.ephemeralPublicKey),
      nonce: Uint8Array.from(key.sealedKey.nonce),
      ciphertext: Uint8Array.from(key.sealedKey.ciphertext),
      servicePurposes: [...key.servicePurposes],
      leaseScopes: [...key.leaseScopes],
      depositedAt: new Date(key.depositedAt),
    };
    const { tenantId, cid } = key;
    await this.#prisma.depositedKey.upsert({
      where: { tenantId_cid: { tenantId, cid } },
      create: { tenantId, cid, ...values },
      update: values,
    });
  }

  async find(tenantId: TenantId, cid: ContentId): Promise<DepositedKey | undefined> {
    const row = await this.#prisma.depositedKey.findUnique({ where: { tenantId_cid: { tenantId, cid } } });
    if (row === null) return undefined;
    return {
      tenantId,
      cid,
      keyId: row.keyId,
      sealedKey: { ephemeralPublicKey: row.ephemeralPublicKey, nonce: row.nonce, ciphertext: row.ciphertext },
      servicePurposes: row.servicePurposes,
      leaseScopes: row.leaseScopes,
      depositedAt: row.depositedAt.getTime() as TimestampMs,
    };
  }

  async logRelease(release: KeyRelease): Promise<void> {
    await this.#prisma.keyRelease.create({
      data: {
        ...release,
        tenantId: release.tenantId,
        recipientPublicKey: Uint8Array.from(release.recipientPublicKey),
        fencingToken: BigInt(release.fencingToken),
        releasedAt: new Date(release.releasedAt),
      },
    });
  }

  async listReleases(tenantId: TenantId, cid: ContentId, limit: number): Promise<readonly KeyRelease[]> {
    const rows = await this.#prisma.keyRelease.findMany({
      where: { tenantId, cid },
      orderBy: { sequence: "desc" },
      take: limit,
    });
    return rows.map((row) => ({
      releaseId: row.releaseId,
      tenantId: row.tenantId as TenantId,
      cid: row.cid as ContentId,
      recipient: row.recipient,
      recipientPublicKey: row.recipientPublicKey,
      purpose: row.purpose,
      jobId: row.jobId,
      fencingToken: Number(row.fencingToken),
      releasedAt: row.releasedAt.getTime() as TimestampMs,
    }));
  }
}
