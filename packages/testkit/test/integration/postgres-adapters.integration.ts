import { setTimeout as wait } from "node:timers/promises";
import { createCoordinationSchema } from "@aios/service-kit/coordination-schema";
import { openEventBus } from "@aios/service-kit/open-event-bus";
import { PostgresLockManager } from "@aios/service-kit/postgres-lock";
import { createPool, type PostgresPool } from "@aios/service-kit/postgres-pool";
import { PostgresRateLimiter } from "@aios/service-kit/postgres-rate-limiter";
import { eventBusConformance } from "../../src/event-bus-conformance.js";
import { lockManagerConformance } from "../../src/lock-conformance.js";
import { startPostgres, type TestPostgres } from "../../src/postgres.js";
import { rateLimiterConformance } from "../../src/rate-limiter-conformance.js";
import { silentLogger } from "../../src/silent-logger.js";

async function crash(postgres: TestPostgres): Promise<void> {
  await postgres.kill();
  await postgres.restart();
}

eventBusConformance("PostgresEventLog, as `openEventBus` opens it", async () => {
  const postgres = await startPostgres();
  const url = postgres.url("events");
  return {
    open: () => openEventBus({ url, applicationName: "test", logger: silentLogger }),
    crash: () => crash(postgres),
    close: () => postgres.stop(),
  };
});

async function coordination(): Promise<{
  readonly pools: () => PostgresPool;
  readonly crash: () => Promise<void>;
  readonly close: () => Promise<void>;
}> {
  const postgres = await startPostgres();
  const url = await postgres.createDatabase();
  const opened: PostgresPool[] = [];
  const pools = (): PostgresPool => {
    const pool = createPool({ url, max: 4, applicationName: "test", logger: silentLogger });
    opened.push(pool);
    return pool;
  };
  await createCoordinationSchema(pools());
  return {
    pools,
    crash: () => crash(postgres),
    close: async () => {
      await Promise.all(opened.map((pool) => pool.end()));
      await postgres.stop();
    },
  };
}

// The database's own clock counts, so the time that these wait is real.
rateLimiterConformance("PostgresRateLimiter", async () => {
  const { pools, ...rest } = await coordination();
  return { ...rest, open: async () => new PostgresRateLimiter(pools()), pass: (ms) => wait(ms) };
});

lockManagerConformance("PostgresLockManager", async () => {
  const { pools, ...rest } = await coordination();
  return { ...rest, open: async () => new PostgresLockManager(pools()), pass: (ms) => wait(ms) };
});
