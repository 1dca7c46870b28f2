import { codedErrorOf } from "@aios/service-kit/database-outage";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "@aios/service-kit/embedded-postgres";
import { createPool, type PostgresPool } from "@aios/service-kit/postgres-pool";
import { eventually } from "@aios/testkit/eventually";
import { canMountDisks, SmallDisk } from "@aios/testkit/small-disk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const DISK_BYTES = 256 * 1024 ** 2;
const ROW_BYTES = 200_000;
const MOST_ROWS = 200;

/** Needs a file system of its own: runs as root on Linux. */
describe.skipIf(!canMountDisks())("PostgreSQL on a full disk", () => {
  let disk: SmallDisk;
  let server: EmbeddedPostgres;
  let pool: PostgresPool;
  const start = (): Promise<EmbeddedPostgres> =>
    startEmbeddedPostgres({ dataDir: disk.path, durable: true, port: server?.port ?? 0 });

  beforeEach(async () => {
    disk = SmallDisk.mount(DISK_BYTES);
    server = await start();
    pool = createPool({ url: server.url("postgres"), max: 2, applicationName: "full disk" });
    await pool.query("CREATE TABLE things (id integer PRIMARY KEY, bytes bytea STORAGE EXTERNAL)");
  });
  afterEach(async () => {
    await pool?.end();
    disk?.free();
    await server?.stop();
    disk?.unmount();
  });

  const insert = (id: number) =>
    pool.query("INSERT INTO things VALUES ($1, $2)", [id, Buffer.alloc(ROW_BYTES, id)]);
  const ids = async (): Promise<number[]> =>
    (await pool.query<{ id: number }>("SELECT id FROM things ORDER BY id")).rows.map(({ id }) => id);

  it("says so, keeps every row that it acknowledged, and takes rows again when there is space", async () => {
    const acknowledged: number[] = [];
    disk.fill();
    let refusal: unknown;
    for (let id = 0; id < MOST_ROWS && refusal === undefined; id += 1) {
      await insert(id).then(
        () => acknowledged.push(id),
        (error: unknown) => {
          refusal = error;
        },
      );
    }
    expect(codedErrorOf(refusal)).toMatchObject({ code: "database-disk-full", kind: "unavailable" });
    expect(await ids()).toEqual(acknowledged);

    disk.free();
    await insert(MOST_ROWS);
    await server.kill();
    server = await start();
    await eventually(async () => expect(await ids()).toEqual([...acknowledged, MOST_ROWS]), 30_000);
  }, 60_000);

  it("says why it does not start, and starts when there is space", async () => {
    await insert(1);
    await server.stop();
    disk.fill();
    await expect(start()).rejects.toMatchObject({ code: "disk-full", message: /the disk is full/ });
    disk.free();
    server = await start();
    await eventually(async () => expect(await ids()).toEqual([1]), 30_000);
  }, 60_000);
});

describe.skipIf(!canMountDisks())("PostgreSQL on a disk without room for it", () => {
  it("says so instead of leaving half a cluster", async () => {
    const disk = SmallDisk.mount(16 * 1024 ** 2);
    try {
      await expect(startEmbeddedPostgres({ dataDir: disk.path, port: 0 })).rejects.toMatchObject({
        code: "disk-full",
      });
    } finally {
      disk.unmount();
    }
  }, 60_000);
});
