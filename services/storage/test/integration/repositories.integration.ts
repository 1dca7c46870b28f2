import type { TimestampMs } from "@aios/kernel/units";
import { type MigratedDatabase, startMigratedDatabase } from "@aios/testkit/migrated-database";
import { PrismaPg } from "@prisma/adapter-pg";
import { afterAll, beforeAll, describe } from "vitest";
import { PrismaClient } from "../../generated/prisma/client.js";
import { PrismaContentRepository } from "../../src/adapters/prisma/prisma-content.repository.js";
import { PrismaContentKeyRepository } from "../../src/adapters/prisma/prisma-content-key.repository.js";
import { contentKeyRepositoryConformance } from "../conformance/content-key-repository.conformance.js";
import { contentRepositoryConformance } from "../conformance/content-repository.conformance.js";

let database: MigratedDatabase;
let prisma: PrismaClient;
beforeAll(async () => {
  database = await startMigratedDatabase(new URL("../../prisma/migrations", import.meta.url));
  prisma = new PrismaClient({ adapter: new PrismaPg(database.pool) });
});
afterAll(async () => {
  await prisma?.$disconnect();
  await database?.stop();
});

describe("content repository: Postgres", () => {
  contentRepositoryConformance(
    () => new PrismaContentRepository(prisma),
    () => database.crash(),
  );
});

describe("content key repository: Postgres", () => {
  contentKeyRepositoryConformance(
    () => new PrismaContentKeyRepository(prisma),
    (tenantId, cid) =>
      new PrismaContentRepository(prisma).add(
        {
          tenantId,
          cid,
          sizeBytes: 1,
          metadata: { category: "model", encrypted: true, mediaType: "" },
          createdAt: 0 as TimestampMs,
        },
        Number.POSITIVE_INFINITY,
      ),
    () => database.crash(),
  );
});
