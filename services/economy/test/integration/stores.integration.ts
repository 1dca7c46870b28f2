import { useServiceDatabase } from "@aios/testkit/service-database";
import { PrismaPg } from "@prisma/adapter-pg";
import { describe } from "vitest";
import { PrismaClient } from "../../generated/prisma/client.js";
import { PrismaIndexStore } from "../../src/adapters/prisma/prisma-index.store.js";
import { PrismaTransactionStore } from "../../src/adapters/prisma/prisma-transaction.store.js";
import { indexStoreConformance } from "../conformance/index-store.conformance.js";
import { transactionStoreConformance } from "../conformance/transaction-store.conformance.js";

const open = () =>
  useServiceDatabase(
    new URL("../../prisma/migrations", import.meta.url),
    ({ pool }) =>
      new PrismaClient({
        adapter: new PrismaPg(pool),
        transactionOptions: { maxWait: 10_000, timeout: 20_000 },
      }),
  );
const database = open();

describe("transaction store: Postgres", () => {
  transactionStoreConformance(
    () => new PrismaTransactionStore(database.client),
    () => database.crash(),
  );
});

describe("index store: Postgres", () => {
  const own = open();
  indexStoreConformance(
    () => new PrismaIndexStore(own.client),
    () => new PrismaTransactionStore(own.client),
    () => own.crash(),
  );
});
