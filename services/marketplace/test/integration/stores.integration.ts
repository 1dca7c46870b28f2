import { useServiceDatabase } from "@aios/testkit/service-database";
import { PrismaPg } from "@prisma/adapter-pg";
import { describe } from "vitest";
import { PrismaClient } from "../../generated/prisma/client.js";
import { PrismaModelStore } from "../../src/adapters/prisma/prisma-model.store.js";
import { PrismaPurchaseStore } from "../../src/adapters/prisma/prisma-purchase.store.js";
import { modelStoreConformance, purchaseStoreConformance } from "../conformance/market-stores.conformance.js";

const database = useServiceDatabase(
  new URL("../../prisma/migrations", import.meta.url),
  ({ pool }) =>
    new PrismaClient({
      adapter: new PrismaPg(pool),
      transactionOptions: { maxWait: 10_000, timeout: 20_000 },
    }),
);

describe("model store: Postgres", () => {
  modelStoreConformance(
    () => new PrismaModelStore(database.client),
    () => database.crash(),
  );
});

describe("purchase store: Postgres", () => {
  purchaseStoreConformance(
    () => new PrismaPurchaseStore(database.client),
    () => database.crash(),
  );
});
