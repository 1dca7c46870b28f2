import { systemClock } from "@aios/service-kit/system-clock";
import { useServiceDatabase } from "@aios/testkit/service-database";
import { describe } from "vitest";
import { createPrisma } from "../../src/adapters/prisma/prisma-client.js";
import { PrismaJobStore } from "../../src/adapters/prisma/prisma-job.store.js";
import { PrismaProviderStore } from "../../src/adapters/prisma/prisma-provider.store.js";
import { MarketUpkeep } from "../../src/application/market-upkeep.js";
import { ProviderMarket } from "../../src/domain/provider-market.js";
import { jobStoreConformance } from "../conformance/job-store.conformance.js";
import { providerStoreConformance } from "../conformance/provider-store.conformance.js";

const POLICY = { clockMarginMs: 1_000, deliverMarginMs: 1_000 };
const MARKET_POLICY = {
  minimumStakeWei: 1n,
  minimumSoftwareVersion: "0.0.0",
  expectedSelfTestHash: "",
  maximumRecentFaults: 3,
  referenceSpeed: { training: 5_000, inference: 100_000_000 },
  weights: { price: 400, speed: 200, load: 200, level: 100, spread: 100 },
};
const database = useServiceDatabase(new URL("../../prisma/migrations", import.meta.url), ({ url }) =>
  createPrisma(url, 4),
);

const jobs = () => new PrismaJobStore(database.client, database.pool, systemClock, POLICY, () => undefined);
const providers = () => new PrismaProviderStore(database.client, database.pool, systemClock);

describe("provider store: Postgres", () => {
  providerStoreConformance(providers, () => database.crash());
});

describe("provider store: Postgres, with the market kept in step", () => {
  providerStoreConformance(
    () => new MarketUpkeep(providers(), new ProviderMarket(MARKET_POLICY), systemClock),
    () => database.crash(),
  );
});

describe("job store: Postgres", () => {
  jobStoreConformance(jobs, providers, () => database.crash());
});
