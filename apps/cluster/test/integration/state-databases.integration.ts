import { existsSync, readdirSync } from "node:fs";
import type { Clock } from "@aios/kernel/clock";
import type { TimestampMs } from "@aios/kernel/units";
import { packArchive, readArchive } from "@aios/launcher/backup/archive";
import { createCoordinationSchema } from "@aios/service-kit/coordination-schema";
import { openConnection, withConnection } from "@aios/service-kit/database";
import { beginCopy, readDefinition, readSequences } from "@aios/service-kit/database-definition";
import { createEventLogSchema } from "@aios/service-kit/event-log-schema";
import { createMessagingSchema } from "@aios/service-kit/messaging-schema";
import { applyMigrations } from "@aios/service-kit/migrate";
import { createPool, type PostgresPool } from "@aios/service-kit/postgres-pool";
import { startPostgres, type TestPostgres } from "@aios/testkit/postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadDatabases, packDatabases } from "../../src/state/databases.js";

const ROOT = new URL("../../../../", import.meta.url.replace("/dist/test/", "/test/"));
const migrationsOf = (service: string): URL => new URL(`services/${service}/prisma/migrations/`, ROOT);
const SERVICES = readdirSync(new URL("services/", ROOT)).filter((name) => existsSync(migrationsOf(name)));
const AT = "2027-01-15T08:00:00.000Z";

/** Waiting takes no time, and counts. */
const clock: Clock = {
  now: () => now as TimestampMs,
  wait: async (duration) => {
    now += duration;
  },
};
let now = Date.parse(AT);

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres?.stop());

async function archiveOf(urls: Readonly<Record<string, string>>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of packDatabases(new Map(Object.entries(urls)), clock)) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function* stream(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

const load = (archive: Buffer, urls: Readonly<Record<string, string>>, replace = false) =>
  loadDatabases(new Map(Object.entries(urls)), stream(archive), { replace, clock });

const definitionOf = (url: string) =>
  withConnection(url, async (session) => {
    await beginCopy(session, "read");
    return { definition: await readDefinition(session), sequences: await readSequences(session) };
  });

async function onPool(url: string, work: (pool: PostgresPool) => Promise<void>): Promise<void> {
  const pool = createPool({ url, max: 1, applicationName: "schema" });
  try {
    await work(pool);
  } finally {
    await pool.end();
  }
}

async function filled(statements: string): Promise<string> {
  const url = await postgres.createDatabase();
  await withConnection(url, (session) => session.query(statements));
  return url;
}

async function rowsOf(url: string, sql: string): Promise<readonly unknown[]> {
  return withConnection(url, async (session) => (await session.query(sql)).rows);
}

const JOBS = `CREATE TABLE jobs (id bigserial PRIMARY KEY, note text NOT NULL);
  INSERT INTO jobs (note) SELECT 'job ' || n FROM generate_series(1, 450) AS n`;

describe("the databases of a release", () => {
  it("come back with every schema that the services make, by the catalogue's own word", async () => {
    const urls: Record<string, string> = {};
    for (const service of SERVICES) {
      const url = await postgres.createDatabase();
      await applyMigrations(migrationsOf(service), url);
      await onPool(url, createMessagingSchema);
      urls[service] = url;
    }
    const events = await postgres.createDatabase();
    await onPool(events, async (pool) => {
      await createEventLogSchema(events, pool);
      await createCoordinationSchema(pool);
    });
    urls.events = events;
    const archive = await archiveOf(urls);
    // Databases that are not there yet, as on a new server.
    const copies = Object.fromEntries(
      Object.keys(urls).map((name) => [name, postgres.url(`restored_${name.replaceAll("-", "_")}`)]),
    );
    const rows = await load(archive, copies);
    expect(Object.keys(rows).sort()).toEqual(Object.keys(urls).sort());
    for (const [name, url] of Object.entries(urls))
      expect(await definitionOf(copies[name] as string), name).toEqual(await definitionOf(url));
  });

  it("come back with every value, whatever is in it, and go on counting where they were", async () => {
    const source = await filled(`
      CREATE SCHEMA inner_life;
      CREATE FUNCTION inner_life.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no more rows'; END $$;
      CREATE TABLE inner_life."Odd ""names""" (
        "Key" bigint GENERATED ALWAYS AS IDENTITY (START WITH 7) PRIMARY KEY, amount numeric(78, 0), at timestamptz,
        bytes bytea, facts jsonb, many text[], share double precision, twice numeric GENERATED ALWAYS AS (amount * 2) STORED,
        t text, "copied" text DEFAULT 'x');
      ALTER TABLE inner_life."Odd ""names""" DROP COLUMN t;
      CREATE TABLE public.child (parent bigint NOT NULL REFERENCES inner_life."Odd ""names""" ON DELETE CASCADE);
      CREATE UNIQUE INDEX ON inner_life."Odd ""names""" (amount) WHERE facts IS NOT NULL;
      INSERT INTO inner_life."Odd ""names""" (amount, at, bytes, facts, many, share, copied) VALUES
        (10::numeric ^ 77, '2027-01-01 00:00:00.000001+13', '\\x00ff5c', '{"a": [1, null, "\\\\ \\" ü"]}', ARRAY['a,b', NULL, '"', ''], 0.1, ''),
        (NULL, 'infinity', '', NULL, '{}', 'NaN', E'line\\nbreak\\t(,)"\\\\'), (3, NULL, NULL, '[]', NULL, -0.0, NULL);
      INSERT INTO public.child VALUES (7), (9);
      CREATE TRIGGER no_more BEFORE INSERT ON public.child FOR EACH ROW EXECUTE FUNCTION inner_life.refuse();`);
    const target = await postgres.createDatabase();
    expect(await load(await archiveOf({ odd: source }), { odd: target })).toEqual({ odd: 5 });
    const all = `SELECT o::text AS row FROM inner_life."Odd ""names""" AS o ORDER BY "Key"`;
    expect(await rowsOf(target, all)).toEqual(await rowsOf(source, all));
    const next = `INSERT INTO inner_life."Odd ""names""" (amount) VALUES (1) RETURNING "Key"`;
    expect(await rowsOf(target, next)).toEqual([{ Key: "10" }]);
    await expect(rowsOf(target, "INSERT INTO public.child VALUES (8)")).rejects.toThrow("no more rows");
  });

  it("replace nothing that is there, unless told to, and then all of it", async () => {
    const archive = await archiveOf({ jobs: await filled(JOBS) });
    const target = await filled("CREATE TABLE older (id int); CREATE TABLE jobs (id int)");
    await expect(load(archive, { jobs: target })).rejects.toMatchObject({ code: "target-not-empty" });
    expect(await load(archive, { jobs: target }, true)).toEqual({ jobs: 450 });
    expect(
      await rowsOf(target, "SELECT to_regclass('older') AS older, count(*)::int AS rows FROM jobs"),
    ).toEqual([{ older: null, rows: 450 }]);
  });

  it("stay as they were, all of them, where the archive ends early or the last one refuses", async () => {
    const [first, second] = [await filled(JOBS), await filled(JOBS)];
    const archive = await archiveOf({ first, second });
    const targets = {
      first: await filled("CREATE TABLE kept (id int)"),
      second: await postgres.createDatabase(),
    };
    const isKept = () =>
      rowsOf(targets.first, "SELECT to_regclass('kept')::text AS kept, to_regclass('jobs') AS jobs");
    await expect(load(archive.subarray(0, -10), targets, true)).rejects.toMatchObject({
      code: "backup-damaged",
    });
    expect(await isKept()).toEqual([{ kept: "kept", jobs: null }]);
    await expect(load(archive, { first: targets.first }, true)).rejects.toMatchObject({
      code: "database-unknown",
    });
    expect(await isKept()).toEqual([{ kept: "kept", jobs: null }]);
  });

  it("are refused where they hold what would be left out", async () => {
    const url = await filled("CREATE TYPE mood AS ENUM ('calm'); CREATE VIEW shown AS SELECT 1 AS one");
    await expect(archiveOf({ url })).rejects.toMatchObject({
      code: "unknown-schema",
      message: expect.stringMatching(/the type public\.mood, the view public\.shown/),
    });
  });

  it("are not copied while somebody uses them under the same role, who is named", async () => {
    const url = await filled(JOBS);
    const other = await openConnection(`${url}?application_name=economy`);
    try {
      await expect(archiveOf({ jobs: url })).rejects.toMatchObject({
        code: "database-in-use",
        message: expect.stringContaining("economy"),
      });
    } finally {
      await other.end();
    }
  });

  it("are an archive like any other, which is checked before it counts", async () => {
    const entries: string[] = [];
    for await (const { path } of readArchive(packArchive([], AT))) entries.push(path);
    for await (const { path } of readArchive(stream(await archiveOf({ jobs: await filled(JOBS) }))))
      entries.push(path);
    expect(entries).toEqual(["jobs/head.json", "jobs/rows/0/0.json", "jobs/rows.json"]);
  });
});
