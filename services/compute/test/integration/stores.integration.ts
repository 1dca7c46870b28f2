import { systemClock } from "@aios/service-kit/system-clock";
import { useServiceDatabase } from "@aios/testkit/service-database";
import { describe } from "vitest";
import { createPrisma } from "../../src/adapters/prisma/prisma-client.js";
import { PrismaJobStore } from "../../src/adapters/prisma/prisma-job.store.js";
import { PrismaProviderStore } from "../../src/adapters/prisma/prisma-provider.store.js";
import { jobStoreConformance } from "../conformance/job-store.conformance.js";
import { providerStoreConformance } from "../conformance/provider-store.conformance.js";

const POLICY = { clockMarginMs: 1_000, deliverMarginMs: 1_000 };
const database = useServiceDatabase(new URL("../../prisma/migrations", import.meta.url), ({ url }) =>
  createPrisma(url, 4),
);

const jobs = () => new PrismaJobStore(database.client, database.pool, systemClock, POLICY, () => undefined);
const providers = () => new PrismaProviderStore(database.client, database.pool, systemClock);

describe("provider store: Postgres", () => {
  providerStoreConformance(providers, () => database.crash());
});

describe("job store: Postgres", () => {
  jobStoreConformance(jobs, providers, () => database.crash());
});
