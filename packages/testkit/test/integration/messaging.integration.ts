import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { topics } from "@aios/proto/topics";
import { withConnection } from "@aios/service-kit/database";
import type { ReceivedEvent } from "@aios/service-kit/event-bus";
import { EVENTS_CHANNEL } from "@aios/service-kit/event-log-schema";
import { inbox } from "@aios/service-kit/inbox";
import { createMessagingSchema, LOOKING_LOCK, OUTBOX_CHANNEL } from "@aios/service-kit/messaging-schema";
import { applyMigrations, verifyMigrations } from "@aios/service-kit/migrate";
import { migrateOnly } from "@aios/service-kit/migrate-only";
import { openEventBus } from "@aios/service-kit/open-event-bus";
import { outbox } from "@aios/service-kit/outbox";
import { OutboxRelay } from "@aios/service-kit/outbox-relay";
import { createPool, inTransaction, type PostgresPool } from "@aios/service-kit/postgres-pool";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { eventually } from "../../src/eventually.js";
import { MemoryEventBus } from "../../src/memory-event-bus.js";
import { startPostgres, type TestPostgres } from "../../src/postgres.js";
import { silentLogger } from "../../src/silent-logger.js";
import { temporaryDirectory } from "../../src/temporary-directory.js";

const topic = topics.proverProofEnded;
const directory = temporaryDirectory("messaging");
let postgres: TestPostgres;
let url: string;
let pool: PostgresPool;

beforeAll(async () => {
  postgres = await startPostgres();
  url = await postgres.createDatabase();
  pool = createPool({ url, max: 10, applicationName: "test" });
  await Promise.all([createMessagingSchema(pool), createMessagingSchema(pool)]);
});

afterAll(async () => {
  await pool.end();
  await postgres.stop();
  directory.remove();
});

function proof(jobId: string, errorCode = ""): ReturnType<typeof topic.codec.fromPartial> {
  return topic.codec.fromPartial({ jobId, proven: true, errorCode });
}

function relayOn(bus: MemoryEventBus): OutboxRelay {
  return new OutboxRelay({ databaseUrl: url, pool, bus, service: "test", logger: silentLogger });
}

describe("outbox", () => {
  it("sends what was committed, nothing of what was rolled back, in order per key", async () => {
    const bus = new MemoryEventBus();
    const received: string[] = [];
    await bus.subscribe({
      group: "g",
      topics: [topic],
      handler: async ({ payload, key }) =>
        void received.push(`${key}:${topic.codec.decode(payload).errorCode}`),
    });
    const relay = relayOn(bus);
    await relay.start();
    await Promise.all(
      ["a", "b", "c"].map(async (job) => {
        for (let i = 0; i < 30; i++) {
          const work = inTransaction(pool, async (client) => {
            await outbox.add(client, topic, proof(job, String(i)));
            if (i % 10 === 9) throw new Error("no");
          });
          if (i % 10 === 9) await expect(work).rejects.toThrow("no");
          else await work;
        }
      }),
    );
    await eventually(() => expect(received).toHaveLength(81));
    for (const job of ["a", "b", "c"]) {
      const numbers = received.filter((one) => one.startsWith(job)).map((one) => Number(one.split(":")[1]));
      expect(numbers).toEqual(Array.from({ length: 30 }, (_, i) => i).filter((i) => i % 10 !== 9));
    }
    await eventually(async () => expect(await relay.backlog()).toEqual({ events: 0, oldestAgeMs: 0 }));
    await relay.close(1_000);
  });

  it("works with a client shaped like Prisma's", async () => {
    const id = await inTransaction(pool, (client) =>
      outbox.add(
        {
          $executeRawUnsafe: async (sql: string, ...values: unknown[]) =>
            (await client.query(sql, values)).rowCount ?? 0,
          $queryRawUnsafe: async <T>(sql: string, ...values: unknown[]) =>
            (await client.query(sql, values)).rows as T,
        },
        topic,
        proof("prisma"),
      ),
    );
    const { rows } = await pool.query(
      "DELETE FROM messaging.outbox WHERE event_id = $1 RETURNING key, payload",
      [id],
    );
    expect(rows[0].key).toBe("prisma");
    expect(topic.codec.decode(rows[0].payload)).toEqual(proof("prisma"));
  });

  it("has one leader; another takes over when it goes, and a bus that is away loses nothing", async () => {
    const bus = new MemoryEventBus();
    let away = true;
    const publish = bus.publish.bind(bus);
    bus.publish = async (events) => {
      if (away) throw new Error("away");
      await publish(events);
    };
    const received: string[] = [];
    await bus.subscribe({ group: "g", topics: [topic], handler: async ({ key }) => void received.push(key) });
    const [first, second] = [relayOn(bus), relayOn(bus)];
    await first.start();
    await second.start();
    await inTransaction(pool, (client) => outbox.add(client, topic, proof("one")));
    await eventually(async () => expect((await first.backlog()).events).toBe(1));
    away = false;
    await eventually(() => expect(received).toEqual(["one"]));
    await first.close(1_000);
    await inTransaction(pool, (client) => outbox.add(client, topic, proof("two")));
    await eventually(() => expect(received).toEqual(["one", "two"]));
    await inTransaction(pool, (client) => outbox.add(client, topic, proof("three")));
    await second.close(1_000);
    await eventually(() => expect(received).toEqual(["one", "two", "three"]));
  });
});

describe("outbox under load", () => {
  const isAttentive = async (): Promise<boolean> => {
    const { rows } = await pool.query(
      "SELECT FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND objid = $1",
      [LOOKING_LOCK],
    );
    return rows.length > 0;
  };
  let bus: MemoryEventBus;
  let received: string[];
  let relay: OutboxRelay;
  const add = (job: string): Promise<string> =>
    inTransaction(pool, (client) => outbox.add(client, topic, proof(job)));
  const load = (): Promise<void> =>
    eventually(async () => {
      await Promise.all([1, 2, 3, 4].map(() => add("load")));
      expect(await isAttentive()).toBe(true);
    });

  beforeEach(async () => {
    bus = new MemoryEventBus();
    received = [];
    await bus.subscribe({ group: "g", topics: [topic], handler: async ({ key }) => void received.push(key) });
    relay = relayOn(bus);
    await relay.start();
  });

  afterEach(() => relay.close(1_000));

  it("hears of no write while it looks by itself, and of each one otherwise", async () => {
    const notified: unknown[] = [];
    await withConnection(url, async (client) => {
      client.on("notification", (one) => notified.push(one));
      await client.query(`LISTEN ${OUTBOX_CHANNEL}`);
      await client.query("SELECT pg_advisory_lock($1)", [LOOKING_LOCK]);
      await add("silent");
      await client.query("SELECT pg_advisory_unlock($1)", [LOOKING_LOCK]);
      await add("told");
      await eventually(() => expect(notified).toHaveLength(1));
      await eventually(() => expect(received.sort()).toEqual(["silent", "told"]));
    });
  });

  it("finds what was written while it looked and committed when it looked no more", async () => {
    await load();
    await inTransaction(pool, async (client) => {
      await outbox.add(client, topic, proof("slow"));
      await eventually(async () => expect(await isAttentive()).toBe(false));
    });
    await eventually(() => expect(received).toContain("slow"));
  });

  it("lets writers notify when the relay's connection is cut, and goes on", async () => {
    await load();
    await pool.query(
      "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1",
      [LOOKING_LOCK],
    );
    await add("after the cut");
    await eventually(() => expect(received).toContain("after the cut"));
  });

  it("lets writers notify again where it did not hear that it has the lock", async () => {
    const query = pg.Client.prototype.query as (...args: unknown[]) => Promise<unknown>;
    let unheard = 0;
    const spy = vi.spyOn(pg.Client.prototype, "query").mockImplementation(async function (
      this: pg.Client,
      ...args: unknown[]
    ) {
      const answer = await query.apply(this, args);
      const isLook =
        String(args[0]).includes("pg_try_advisory_lock") && String(args[1]) === `${LOOKING_LOCK}`;
      if (isLook && unheard++ === 0) throw new Error("Query read timeout");
      return answer;
    });
    try {
      await eventually(async () => {
        await Promise.all([1, 2, 3, 4].map(() => add("load")));
        expect(unheard).toBeGreaterThan(0);
      });
      await eventually(async () => expect(await isAttentive()).toBe(false));
    } finally {
      spy.mockRestore();
    }
  });
});

describe("the embedded event log", () => {
  it("takes events from the release before, which appends and notifies in one statement", async () => {
    const logUrl = postgres.url("event_log_of_two_releases");
    const bus = await openEventBus({ url: logUrl, applicationName: "test", logger: silentLogger });
    const received: string[] = [];
    const handler = async ({ id, payload }: ReceivedEvent): Promise<void> =>
      void received.push(`${id} ${Buffer.from(payload)}`);
    await bus.subscribe({ group: "g", topics: [{ ...topic, partitions: 1 }], handler });
    const id = randomUUID();
    const notified: string[] = [];
    await withConnection(logUrl, async (client) => {
      client.on("notification", ({ payload }) => notified.push(payload ?? ""));
      await client.query(`LISTEN ${EVENTS_CHANNEL}`);
      for (let time = 0; time < 2; time++)
        await client.query(
          "SELECT event_log.append($1::uuid[], $2::text[], $3::integer[], $4::text[], $5::bytea[], $6::jsonb[], $7::text[])",
          [[id], [topic.name], [0], ["k"], [Buffer.from("old")], ["{}"], [null]],
        );
      await eventually(() => expect(notified).toEqual([topic.name, topic.name]));
    });
    await eventually(() => expect(received).toEqual([`${id} old`]));
    await bus.close();
  });
});

const neverRun = (): Promise<void> => Promise.reject(new Error("this event was handled before"));

describe("inbox", () => {
  it("runs once, also when two deliveries come together; a failure leaves it to the next", async () => {
    const id = crypto.randomUUID();
    let runs = 0;
    const deliver = (fail: boolean, consumer?: string): Promise<boolean> =>
      inTransaction(pool, (client) =>
        inbox.once(
          client,
          id,
          async () => {
            if (fail) throw new Error("no");
            runs += 1;
          },
          consumer,
        ),
      );
    await expect(deliver(true)).rejects.toThrow("no");
    const results = await Promise.all(Array.from({ length: 8 }, () => deliver(false)));
    expect(results.filter(Boolean)).toHaveLength(1);
    expect(runs).toBe(1);
    expect(await deliver(false, "another consumer")).toBe(true);
  });

  it("claims what is new of a batch, in its order, and leaves it to the next when the work fails", async () => {
    const [first, second, third] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
    const claim = (ids: readonly string[]): Promise<readonly string[]> =>
      inTransaction(pool, (client) => inbox.claim(client, ids));
    const failed = inTransaction(pool, async (client) => {
      await inbox.claim(client, [first, second]);
      throw new Error("no");
    });
    await expect(failed).rejects.toThrow("no");
    expect(await claim([second, first])).toEqual([second, first]);
    expect(await claim([first, third, third, second])).toEqual([third]);
    expect(await claim([])).toEqual([]);
    await expect(inTransaction(pool, (client) => inbox.once(client, third, neverRun))).resolves.toBe(false);
  });

  it("forgets what is older than the log keeps, and only that", async () => {
    const [old, fresh] = [crypto.randomUUID(), crypto.randomUUID()];
    await pool.query(
      "INSERT INTO messaging.inbox VALUES ($1, '', now() - interval '10 days'), ($2, '', now() - interval '1 day')",
      [old, fresh],
    );
    await inbox.prune(pool, 5 * 86_400_000);
    const { rows } = await pool.query("SELECT event_id FROM messaging.inbox WHERE event_id = ANY($1)", [
      [old, fresh],
    ]);
    expect(rows).toEqual([{ event_id: fresh }]);
  });
});

describe("applyMigrations", () => {
  const folder = (name: string): string => join(directory.path, name);
  const write = (set: string, name: string, sql: string): void => {
    mkdirSync(join(folder(set), name), { recursive: true });
    writeFileSync(join(folder(set), name, "migration.sql"), sql);
  };

  const folderUrl = (name: string): URL => pathToFileURL(`${folder(name)}/`);
  const neverStarted = (): never => {
    throw new Error("a migration starts no service");
  };

  it("creates the database, applies in order, and changes nothing the second time", async () => {
    const fresh = postgres.url("made_by_migrations");
    write("good", "20260101_a", "CREATE TABLE things (id int PRIMARY KEY);");
    write(
      "good",
      "20260102_b",
      'ALTER TABLE things ADD COLUMN name text; CREATE SCHEMA "Other"; SET search_path = "Other";',
    );
    const reports = await Promise.all([
      applyMigrations(folder("good"), fresh),
      applyMigrations(folder("good"), fresh),
    ]);
    expect(reports.map(({ applied }) => applied.length).sort()).toEqual([0, 2]);
    expect(await applyMigrations(folder("good"), fresh)).toEqual({
      applied: [],
      alreadyApplied: ["20260101_a", "20260102_b"],
    });
    await withConnection(fresh, (client) => client.query("SELECT id, name FROM public.things"));
  });

  it("applies a failing migration not at all, names it, and goes on after it is mended", async () => {
    const fresh = postgres.url("mended");
    write("bad", "20260101_a", "CREATE TABLE things (id int);");
    write("bad", "20260102_b", "CREATE TABLE others (id int); SELECT nonsense;");
    await expect(applyMigrations(folder("bad"), fresh)).rejects.toMatchObject({
      code: "migration-failed",
      message: expect.stringMatching(/20260102_b failed: column "nonsense"/),
    });
    write("bad", "20260102_b", "CREATE TABLE others (id int);");
    expect((await applyMigrations(folder("bad"), fresh)).applied).toEqual(["20260102_b"]);
  });

  it("refuses files that were changed or removed after they were applied", async () => {
    const fresh = postgres.url("changed");
    write("edit", "20260101_a", "CREATE TABLE things (id int);");
    await applyMigrations(folder("edit"), fresh);
    write("edit", "20260101_a", "CREATE TABLE things (id bigint);");
    await expect(applyMigrations(folder("edit"), fresh)).rejects.toMatchObject({ code: "migration-changed" });
    write("gone", "20260102_b", "SELECT 1;");
    await expect(applyMigrations(folder("gone"), fresh)).rejects.toMatchObject({ code: "migration-missing" });
  });

  it("goes on over a database that a newer version has brought ahead, and refuses a gap in it", async () => {
    const fresh = postgres.url("ahead");
    const names = ["20260101_a", "20260102_b", "20260103_c"];
    const version = (set: string, ...of: readonly string[]): string => {
      for (const name of of) write(set, name, `CREATE TABLE t_${name} (id int);`);
      return folder(set);
    };
    await applyMigrations(version("newer", ...names), fresh);
    const [first = "", second = ""] = names;
    expect(await applyMigrations(version("older", first), fresh)).toMatchObject({ applied: [] });
    await verifyMigrations(folder("older"), fresh);

    const gap = (missing: string): object => ({
      code: "migration-missing",
      details: { migration: missing },
    });
    await expect(
      applyMigrations(version("without-one", first, "20260103_c"), fresh),
      "an applied one is gone",
    ).rejects.toMatchObject(gap(second));
    await expect(
      applyMigrations(version("with-one-between", first, "20260102_a", second), fresh),
      "one came in between",
    ).rejects.toMatchObject(gap("20260102_a"));
  });

  it("only checks where it may not change, and says what is missing", async () => {
    const fresh = postgres.url("checked");
    write("check", "20260101_a", "CREATE TABLE things (id int);");
    const check = (): Promise<void> => verifyMigrations(folder("check"), fresh);
    const behind = { code: "schema-behind", kind: "unavailable", details: { migration: "20260101_a" } };
    await expect(check(), "without a database").rejects.toMatchObject(behind);
    await withConnection(postgres.url("postgres"), (client) => client.query("CREATE DATABASE checked"));
    await expect(check(), "without a table").rejects.toMatchObject(behind);

    const said: string[] = [];
    const service = { name: "sample", settings: {}, migrationsDir: folderUrl("check"), module: neverStarted };
    await migrateOnly({ ...service, env: { DATABASE_URL: fresh } }, (line) => said.push(line));
    expect(said).toEqual(["applied 20260101_a", "the schema is up to date: 1 applied now, 0 before"]);
    await check();

    await withConnection(fresh, (client) =>
      client.query("INSERT INTO aios_migrations (name, checksum) VALUES ('20990101_newer', '')"),
    );
    await check();
    write("check", "20260101_a", "CREATE TABLE things (id bigint);");
    await expect(check()).rejects.toMatchObject({ code: "migration-changed" });
  });

  it("has nothing to migrate for a service without a database, and names a missing URL", async () => {
    const service = { name: "sample", settings: {}, module: neverStarted };
    const ignore = (): void => undefined;
    await expect(migrateOnly(service, ignore)).rejects.toMatchObject({ code: "no-migrations" });
    await expect(
      migrateOnly({ ...service, migrationsDir: folderUrl("check"), env: {} }, ignore),
    ).rejects.toMatchObject({ code: "invalid-settings", details: { variables: ["DATABASE_URL"] } });
  });
});
