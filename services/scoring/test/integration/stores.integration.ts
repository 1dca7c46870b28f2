import { type MigratedDatabase, startMigratedDatabase } from "@aios/testkit/migrated-database";
import { PrismaPg } from "@prisma/adapter-pg";
import { afterAll, beforeAll, describe } from "vitest";
import { PrismaClient } from "../../generated/prisma/client.js";
import { PrismaReceiptStore } from "../../src/adapters/prisma/prisma-receipt.store.js";
import { receiptStoreConformance } from "../conformance/receipt-store.conformance.js";

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

describe("receipt store: Postgres", () => {
  receiptStoreConformance(
    () => new PrismaReceiptStore(prisma),
    () => database.crash(),
  );
});
