import { type MigratedDatabase, startMigratedDatabase } from "@aios/testkit/migrated-database";
import { PrismaPg } from "@prisma/adapter-pg";
import { afterAll, beforeAll, describe } from "vitest";
import { PrismaClient } from "../../generated/prisma/client.js";
import { PrismaModelStore } from "../../src/adapters/prisma/prisma-model.store.js";
import { PrismaPurchaseStore } from "../../src/adapters/prisma/prisma-purchase.store.js";
import { modelStoreConformance, purchaseStoreConformance } from "../conformance/market-stores.conformance.js";

let database: MigratedDatabase;
let prisma: PrismaClient;
beforeAll(async () => {
  database = await startMigratedDatabase(new URL("../../prisma/migrations", import.meta.url));
  prisma = new PrismaClient({
    adapter: new PrismaPg(database.pool),
    transactionOptions: { maxWait: 10_000, timeout: 20_000 },
  });
});
afterAll(async () => {
  await prisma?.$disconnect();
  await database?.stop();
});

describe("model store: Postgres", () => {
  modelStoreConformance(
    () => new PrismaModelStore(prisma),
    () => database.crash(),
  );
});

describe("purchase store: Postgres", () => {
  purchaseStoreConformance(
    () => new PrismaPurchaseStore(prisma),
    () => database.crash(),
  );
});
