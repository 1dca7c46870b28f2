import { systemClock } from "@aios/service-kit/system-clock";
import { type MigratedDatabase, startMigratedDatabase } from "@aios/testkit/migrated-database";
import { afterAll, beforeAll, describe } from "vitest";
import { createPrisma } from "../../src/adapters/prisma/prisma-client.js";
import { PrismaJobStore } from "../../src/adapters/prisma/prisma-job.store.js";
import { PrismaProviderStore } from "../../src/adapters/prisma/prisma-provider.store.js";
import { jobStoreConformance } from "../conformance/job-store.conformance.js";
import { providerStoreConformance } from "../conformance/provider-store.conformance.js";

const POLICY = { clockMarginMs: 1_000, deliverMarginMs: 1_000 };
let database: MigratedDatabase;
let prisma: ReturnType<typeof createPrisma>;
let jobs: PrismaJobStore;
beforeAll(async () => {
  database = await startMigratedDatabase(new URL("../../prisma/migrations", import.meta.url));
  prisma = createPrisma(database.url, 4);
  jobs = new PrismaJobStore(prisma, database.pool, systemClock, POLICY, () => undefined);
});
afterAll(async () => {
  await prisma?.$disconnect();
  await database?.stop();
});

const providers = () => new PrismaProviderStore(prisma, database.pool, systemClock);

describe("provider store: Postgres", () => {
  providerStoreConformance(providers, () => database.crash());
});

describe("job store: Postgres", () => {
  jobStoreConformance(
    () => jobs,
    providers,
    () => database.crash(),
  );
});
