import type { ContentId, TenantId } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import type { Prisma, PrismaClient } from "../../../generated/prisma/client.js";
import type { ContentCategory, ContentRecord } from "../../domain/content.js";
import { quotaExceeded } from "../../domain/errors.js";
import type { ContentRepository } from "../../domain/ports.js";

export class PrismaContentRepository implements ContentRepository {
  readonly #prisma: PrismaClient;

  constructor(prisma: PrismaClient) {
    this.#prisma = prisma;
  }

  add(record: ContentRecord, quotaBytes: number): Promise<{ readonly known: boolean }> {
    const { tenantId, cid, sizeBytes } = record;
    return this.#prisma.$transaction(async (transaction) => {
      // All tenants: whether the blocks are here already, whoever put them.
      const first = await transaction.content.findFirst({ where: { cid }, select: { sequence: true } });
      // Claims of one tenant take turns, so that no two of them fit into the same room.
      await transaction.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`content:${tenantId}`}, 0))`;
      const { count } = await transaction.content.createMany({
        data: {
          tenantId,
          cid,
          sizeBytes: BigInt(sizeBytes),
          ...record.metadata,
          createdAt: new Date(record.createdAt),
        },
        skipDuplicates: true,
      });
      const used = count === 0 ? 0 : await usedBytes(transaction, tenantId);
      if (used > quotaBytes) throw quotaExceeded(quotaBytes, used - sizeBytes);
      return { known: first !== null };
    });
  }

  // All tenants: the same bytes are one content, whoever put them; what is encrypted stays so.
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

  // All tenants: blocks that anybody claims stay.
  async *claimed(step: number): AsyncGenerator<ContentId> {
    for (let after = 0n; ; ) {
      const rows = await this.#prisma.content.findMany({
        where: { sequence: { gt: after } },
        orderBy: { sequence: "asc" },
        take: step,
        select: { sequence: true, cid: true },
      });
      for (const { cid } of rows) yield cid as ContentId;
      const last = rows.at(-1);
      if (last === undefined || rows.length < step) return;
      after = last.sequence;
    }
  }
}

async function usedBytes(database: Prisma.TransactionClient, tenantId: TenantId): Promise<number> {
  const { _sum } = await database.content.aggregate({ where: { tenantId }, _sum: { sizeBytes: true } });
  return Number(_sum.sizeBytes ?? 0n);
}
