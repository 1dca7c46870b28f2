import { useServiceDatabase } from "@aios/testkit/service-database";
import { PrismaPg } from "@prisma/adapter-pg";
import { describe } from "vitest";
import { PrismaClient } from "../../generated/prisma/client.js";
import { PrismaReceiptStore } from "../../src/adapters/prisma/prisma-receipt.store.js";
import { receiptStoreConformance } from "../conformance/receipt-store.conformance.js";

const database = useServiceDatabase(
  new URL("../../prisma/migrations", import.meta.url),
  ({ pool }) =>
    new PrismaClient({
      adapter: new PrismaPg(pool),
      transactionOptions: { maxWait: 10_000, timeout: 20_000 },
    }),
);

describe("receipt store: Postgres", () => {
  receiptStoreConformance(
    () => new PrismaReceiptStore(database.client),
    () => database.crash(),
  );
});
