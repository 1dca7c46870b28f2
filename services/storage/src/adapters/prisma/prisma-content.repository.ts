import type { ContentId, TenantId } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import type { PrismaClient } from "../../../generated/prisma/client.js";
import type { ContentCategory, ContentRecord } from "../../domain/content.js";
import type { ContentRepository } from "../../domain/ports.js";

export class PrismaContentRepository implements ContentRepository {
  readonly #prisma: PrismaClient;

  constructor(prisma: PrismaClient) {
    this.#prisma = prisma;
  }

  async add(record: ContentRecord): Promise<{ readonly known: boolean }> {
    const first = await this.#prisma.content.findFirst({
      where: { cid: record.cid },
      select: { sequence: true },
    });
    await this.#prisma.content.createMany({
      data: {
        tenantId: record.tenantId,
        cid: record.cid,
        sizeBytes: BigInt(record.sizeBytes),
        ...record.metadata,
        createdAt: new Date(record.createdAt),
      },
      skipDuplicates: true,
    });
    return { known: first !== null };
  }

  async findFirst(cid: ContentId): Promise<ContentRecord | undefined> {
    const row = await this.#prisma.content.findFirst({ where: { cid }, orderBy: { sequence: "asc" } });
    if (row === null) return undefined;
    return {
      tenantId: row.tenantId as TenantId,
      cid: row.cid as ContentId,
      sizeBytes: Number(row.sizeBytes),
      metadata: {
        category: row.category as ContentCategory,
        encrypted: row.encrypted,
        mediaType: row.mediaType,
      },
      createdAt: row.createdAt.getTime() as TimestampMs,
    };
  }
}
