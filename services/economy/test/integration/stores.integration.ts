import { type MigratedDatabase, startMigratedDatabase } from "@aios/testkit/migrated-database";
import { PrismaPg } from "@prisma/adapter-pg";
import { afterAll, beforeAll, describe } from "vitest";
import { PrismaClient } from "../../generated/prisma/client.js";
import { PrismaIndexStore } from "../../src/adapters/prisma/prisma-index.store.js";
import { PrismaTransactionStore } from "../../src/adapters/prisma/prisma-transaction.store.js";
import { indexStoreConformance } from "../conformance/index-store.conformance.js";
import { transactionStoreConformance } from "../conformance/transaction-store.conformance.js";

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

describe("transaction store: Postgres", () => {
  transactionStoreConformance(
    () => new PrismaTransactionStore(prisma),
    () => database.crash(),
  );
});

describe("index store: Postgres", () => {
  let own: MigratedDatabase;
  let client: PrismaClient;
  beforeAll(async () => {
    own = await startMigratedDatabase(new URL("../../prisma/migrations", import.meta.url));
    client = new PrismaClient({ adapter: new PrismaPg(own.pool) });
  });
  afterAll(async () => {
    await client?.$disconnect();
    await own?.stop();
  });
  indexStoreConformance(
    () => new PrismaIndexStore(client),
    () => new PrismaTransactionStore(client),
    () => own.crash(),
  );
});
