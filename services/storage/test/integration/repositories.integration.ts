import type { TimestampMs } from "@aios/kernel/units";
import { useServiceDatabase } from "@aios/testkit/service-database";
import { PrismaPg } from "@prisma/adapter-pg";
import { describe } from "vitest";
import { PrismaClient } from "../../generated/prisma/client.js";
import { PrismaContentRepository } from "../../src/adapters/prisma/prisma-content.repository.js";
import { PrismaContentKeyRepository } from "../../src/adapters/prisma/prisma-content-key.repository.js";
import { contentKeyRepositoryConformance } from "../conformance/content-key-repository.conformance.js";
import { contentRepositoryConformance } from "../conformance/content-repository.conformance.js";

const database = useServiceDatabase(
  new URL("../../prisma/migrations", import.meta.url),
  ({ pool }) => new PrismaClient({ adapter: new PrismaPg(pool) }),
);

describe("content repository: Postgres", () => {
  contentRepositoryConformance(
    () => new PrismaContentRepository(database.client),
    () => database.crash(),
  );
});

describe("content key repository: Postgres", () => {
  contentKeyRepositoryConformance(
    () => new PrismaContentKeyRepository(database.client),
    (tenantId, cid) =>
      new PrismaContentRepository(database.client).add(
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
