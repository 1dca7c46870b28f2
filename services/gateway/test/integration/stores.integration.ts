import { type MigratedDatabase, startMigratedDatabase } from "@aios/testkit/migrated-database";
import { PrismaPg } from "@prisma/adapter-pg";
import { afterAll, beforeAll, describe } from "vitest";
import { PrismaClient } from "../../generated/prisma/client.js";
import { PrismaIdempotencyStore } from "../../src/adapters/prisma/prisma-idempotency.repository.js";
import { PrismaSessionStore } from "../../src/adapters/prisma/prisma-session.repository.js";
import {
  CLAIM_MS,
  idempotencyStoreConformance,
  KEEP_MS,
} from "../conformance/idempotency-store.conformance.js";
import { sessionStoreConformance } from "../conformance/session-store.conformance.js";

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

describe("idempotency store: Postgres", () => {
  idempotencyStoreConformance(
    () => new PrismaIdempotencyStore(prisma, { claimMs: CLAIM_MS, keepMs: KEEP_MS }),
    () => database.crash(),
  );
});

describe("session stores: Postgres", () => {
  sessionStoreConformance(
    () => new PrismaSessionStore(prisma),
    () => database.crash(),
  );
});
