import { jobId } from "@aios/kernel/identifiers";
import { applyMigrations } from "@aios/service-kit/migrate";
import { createPool } from "@aios/service-kit/postgres-pool";
import { systemClock } from "@aios/service-kit/system-clock";
import { startPostgres } from "@aios/testkit/postgres";
import { ProviderLinkHub } from "../src/adapters/grpc/provider-link.hub.js";
import { createPrisma } from "../src/adapters/prisma/prisma-client.js";
import { PrismaJobStore } from "../src/adapters/prisma/prisma-job.store.js";
import { PrismaProviderStore } from "../src/adapters/prisma/prisma-provider.store.js";
import { MarketUpkeep } from "../src/application/market-upkeep.js";
import { PlaceJobOnProvider } from "../src/application/place-job-on-provider.js";
import { ProviderMarket } from "../src/domain/provider-market.js";
import { sampleJob } from "../test/support/sample-job.js";
import { sampleProvider } from "../test/support/sample-provider.js";

const SUITE = "market";
const json = process.argv.includes("--json");
const JOBS = 300;
const LEASE_BY_SECONDS = Math.floor(Date.now() / 1_000) + 3_600;
const policy = {
  minimumStakeWei: 1n,
  minimumSoftwareVersion: "0.0.0",
  expectedSelfTestHash: "",
  maximumRecentFaults: 3,
  referenceSpeed: { training: 5_000, inference: 100_000_000 },
  weights: { price: 400, speed: 200, load: 200, level: 100, spread: 100 },
};
/** Nobody is connected. */
const links = new ProviderLinkHub(
  () => undefined,
  () => undefined,
);

/**
 * The service's own path on a real Postgres: loading the market at start, and placing funded jobs one after the other,
 * locks, checks and writes included. The peer is reading every provider from the database, as a placement without the
 * market would have to before it chooses.
 */
const postgres = await startPostgres();
const url = await postgres.createDatabase();
await applyMigrations(new URL("../../prisma/migrations", import.meta.url), url);
const pool = createPool({ url, max: 4, applicationName: "bench" });
const prisma = createPrisma(url, 4);
const { capabilities, selfTest } = sampleProvider({ address: `0x${"00".repeat(20)}` as never });

for (const size of [1_000, 100_000]) {
  await pool.query("TRUNCATE provider, job, job_lease, placement, offer_change");
  await pool.query(
    `INSERT INTO provider SELECT '0x' || lpad(to_hex(i), 40, '0'), 'bench', 'bench', $2::jsonb, $3::jsonb,
       json_build_object('inference', (100 + i % 1900)::text)::jsonb, true, '10', '', false, $4::bigint
     FROM generate_series(1, $1::integer) AS i`,
    [size, JSON.stringify(capabilities), JSON.stringify(selfTest), Date.now()],
  );
  await pool.query("ANALYZE");
  const market = new ProviderMarket(policy);
  const providers = new PrismaProviderStore(prisma, pool, systemClock);
  const loading = await timed(() => new MarketUpkeep(providers, market, systemClock).load());
  for (const { provider } of market.list()) market.came(provider.address, systemClock.now());

  const jobs = new PrismaJobStore(
    prisma,
    pool,
    systemClock,
    { clockMarginMs: 1_000, deliverMarginMs: 1_000 },
    ({ before, job }) => market.followJob(before, job, systemClock.now()),
  );
  const placement = new PlaceJobOnProvider(jobs, market, links, systemClock, {
    policy,
    requiredMemoryBytes: { training: 1, inference: 1 },
    offerTimeoutMs: 60_000,
    acceptWithinSeconds: 60,
    restMs: 1_000,
    placementRetryMs: 500,
  });
  const waits: number[] = [];
  for (let index = 0; index <= JOBS; index++) {
    const id = jobId(`0x${(size * 1_000 + index).toString(16).padStart(64, "0")}`);
    const job = sampleJob("none", id);
    const order = { ...job.terms.order, leaseBy: `${LEASE_BY_SECONDS}` };
    await jobs.create({
      job: { ...job, state: "funded", terms: { ...job.terms, order } },
      idempotencyKey: id,
      bodyDigest: "",
      inputSalt: new Uint8Array(0),
    });
    const waited = await timed(() => placement.execute(id));
    // The first one also records every offer.
    if (index === 0) report(`first placement after a start, ${size} providers`, waited, undefined);
    else waits.push(waited);
  }
  const peers: number[] = [];
  for (let index = 0; index < 3; index++) {
    peers.push(
      await timed(async () => {
        for await (const _ of providers.standings(size));
      }),
    );
  }
  report(`load the market, ${size} providers`, loading, undefined);
  report(`place with locks and writes, ${size} providers, p50`, percentile(waits, 50), undefined);
  report(`place with locks and writes, ${size} providers, p99`, percentile(waits, 99), undefined);
  report(`peer: read all providers, ${size}, p50`, percentile(peers, 50), undefined);
}
await prisma.$disconnect();
await pool.end();
await postgres.stop();

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN;
}

function report(name: string, value: number, goal: number | undefined): void {
  const rounded = Math.round(value * 100) / 100;
  const line = { suite: SUITE, name, value: rounded, unit: "ms", goal: goal ?? null, better: "lower" };
  console.log(json ? JSON.stringify(line) : `${name.padEnd(56)} ${rounded.toFixed(2).padStart(10)} ms`);
}
