import { readFileSync } from "node:fs";
import { withConnection } from "@aios/service-kit/database";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPostgres, type TestPostgres } from "../../src/postgres.js";
import { readCatalogue, type SchemaShape, whatBreaks } from "../../src/schema-catalogue.js";
import { RELEASED, SERVICES, schemaOf } from "../support/service-schemas.js";

const released = JSON.parse(readFileSync(RELEASED, "utf8")) as Readonly<Record<string, SchemaShape>>;
let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres?.stop());

describe("processes of the release before (packages/testkit/baseline-schemas.json)", () => {
  it.each(SERVICES)("go on with today's schema of %s", async (service) => {
    const before = released[service];
    // A service that the release did not have has nobody to break.
    if (before === undefined) return;
    expect(whatBreaks(before, await schemaOf(service, postgres))).toEqual([]);
  });

  it("were of services that are still there", () => {
    expect(Object.keys(released).filter((service) => !SERVICES.includes(service))).toEqual([]);
  });
});

describe("what breaks them", () => {
  const BEFORE = `CREATE TYPE mood AS ENUM ('calm', 'cross');
    CREATE TABLE jobs (id text PRIMARY KEY, price numeric(78, 0) NOT NULL, note text, made_at timestamptz NOT NULL DEFAULT now(), mood mood);`;

  async function breaksOf(change: string): Promise<readonly string[]> {
    const url = await postgres.createDatabase();
    return withConnection(url, async (client) => {
      await client.query(BEFORE);
      const before = await readCatalogue(client);
      await client.query(change);
      return whatBreaks(before, await readCatalogue(client));
    });
  }

  it.each([
    ["a dropped table", "DROP TABLE jobs", "the table public.jobs is gone"],
    ["a dropped column", "ALTER TABLE jobs DROP note", "the column public.jobs.note is gone"],
    ["a renamed column", "ALTER TABLE jobs RENAME note TO remark", "the column public.jobs.note is gone"],
    [
      "another type",
      "ALTER TABLE jobs ALTER price TYPE bigint",
      "the column public.jobs.price was numeric(78,0) and is bigint",
    ],
    [
      "a column that must be given",
      "ALTER TABLE jobs ADD owner text NOT NULL",
      "the new column public.jobs.owner must be given, and the release before does not",
    ],
    [
      "a column that may not be null any more",
      "ALTER TABLE jobs ALTER note SET NOT NULL",
      "the column public.jobs.note may no longer be null",
    ],
    [
      "a column that may newly be null",
      "ALTER TABLE jobs ALTER price DROP NOT NULL",
      "the column public.jobs.price may newly be null, which its readers do not expect",
    ],
    [
      "a default that is gone",
      "ALTER TABLE jobs ALTER made_at DROP DEFAULT",
      "the column public.jobs.made_at is no longer filled in",
    ],
    [
      "a new rule",
      "ALTER TABLE jobs ADD CHECK (price > 0)",
      "public.jobs has the new rule CHECK ((price > (0)::numeric))",
    ],
    [
      "a new uniqueness",
      "CREATE UNIQUE INDEX ON jobs (note)",
      "public.jobs must newly be unique USING btree (note)",
    ],
    [
      "a uniqueness that is gone",
      "ALTER TABLE jobs DROP CONSTRAINT jobs_pkey",
      "public.jobs is no longer unique USING btree (id)",
    ],
    [
      "a value that is gone",
      "ALTER TYPE mood RENAME VALUE 'cross' TO 'angry'",
      "the value cross of public.mood is gone",
    ],
  ])("is %s", async (_what, change, said) => {
    expect(await breaksOf(change)).toEqual([said]);
  });

  it.each([
    ["a new table", "CREATE TABLE more (id text PRIMARY KEY)"],
    ["a new column that may be null", "ALTER TABLE jobs ADD owner text"],
    ["a new column with a default", "ALTER TABLE jobs ADD tries integer NOT NULL DEFAULT 0"],
    ["a new index", "CREATE INDEX ON jobs (note)"],
    ["a new value", "ALTER TYPE mood ADD VALUE 'glad'"],
  ])("is not %s", async (_what, change) => {
    expect(await breaksOf(change)).toEqual([]);
  });
});
