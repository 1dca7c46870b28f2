import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { withConnection } from "@aios/service-kit/database";
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
  wipeEmbeddedPostgres,
} from "@aios/service-kit/embedded-postgres";
import { processExists } from "@aios/service-kit/embedded-postgres-process";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "../../src/eventually.js";
import { type TemporaryDirectory, temporaryDirectory } from "../../src/temporary-directory.js";

const OWNER = fileURLToPath(new URL("../../dist/test/fixtures/postgres-owner.js", import.meta.url));
const servers: EmbeddedPostgres[] = [];
const directories: TemporaryDirectory[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  for (const directory of directories.splice(0)) directory.remove();
});

function newDirectory(): string {
  const directory = temporaryDirectory("embedded-postgres");
  directories.push(directory);
  return join(directory.path, "data");
}

async function start(dataDir: string, port = 0): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir, port, durable: false });
  servers.push(server);
  return server;
}

async function count(server: EmbeddedPostgres): Promise<number> {
  return withConnection(server.url("postgres"), async (client) => {
    await client.query("CREATE TABLE IF NOT EXISTS starts (at timestamptz DEFAULT now())");
    await client.query("INSERT INTO starts DEFAULT VALUES");
    return (await client.query<{ n: number }>("SELECT count(*)::int AS n FROM starts")).rows[0]?.n ?? 0;
  });
}

async function startOwner(dataDir: string): Promise<{ owner: ReturnType<typeof spawn>; pid: number }> {
  const owner = spawn(process.execPath, [OWNER, dataDir], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(createInterface({ input: owner.stdout }), "line")) as [string];
  return { owner, pid: (JSON.parse(line) as { pid: number }).pid };
}

describe("startEmbeddedPostgres", () => {
  it("keeps data over stop, crash and restart, and says how it ended", async () => {
    const dataDir = newDirectory();
    const first = await start(dataDir);
    expect(await count(first)).toBe(1);
    await first.kill();
    expect((await first.ended).expected).toBe(true);
    const second = await start(dataDir);
    expect(await count(second)).toBe(2);
    await second.stop();
    const third = await start(dataDir);
    expect(await count(third)).toBe(3);
    process.kill(third.pid, "SIGKILL");
    expect(await third.ended).toMatchObject({ expected: false });
  });

  it("starts although the lock file names a process of somebody else", async () => {
    const dataDir = newDirectory();
    const first = await start(dataDir);
    const lockFile = join(dataDir, "cluster", "postmaster.pid");
    const lock = readFileSync(lockFile, "utf8");
    await first.kill();
    writeFileSync(lockFile, lock.replace(/^\d+/, String(process.pid)));
    expect(await count(await start(dataDir))).toBe(1);
  });

  it("ends with its owner, also when that is killed", async () => {
    const { owner, pid } = await startOwner(newDirectory());
    expect(processExists(pid)).toBe(true);
    owner.kill("SIGKILL");
    await eventually(() => expect(processExists(pid)).toBe(false));
  });

  it("takes over from an owner that was killed a moment ago", async () => {
    const dataDir = newDirectory();
    const { owner } = await startOwner(dataDir);
    owner.kill("SIGKILL");
    expect(await count(await start(dataDir))).toBe(1);
  });

  it("names the port that is taken", async () => {
    const blocker = createServer().listen(0, "127.0.0.1");
    await once(blocker, "listening");
    const { port } = blocker.address() as AddressInfo;
    await expect(start(newDirectory(), port)).rejects.toMatchObject({
      code: "address-in-use",
      message: expect.stringContaining(`port ${port} is in use`),
    });
    blocker.close();
  });

  it("refuses data of another major version and says what to do", async () => {
    const dataDir = newDirectory();
    await (await start(dataDir)).stop();
    writeFileSync(join(dataDir, "cluster", "PG_VERSION"), "17\n");
    await expect(start(dataDir)).rejects.toMatchObject({
      code: "database-version",
      message: expect.stringContaining("--fresh"),
    });
  });

  it("is gone after wiping, and starts anew", async () => {
    const dataDir = newDirectory();
    const first = await start(dataDir);
    await count(first);
    await first.stop();
    wipeEmbeddedPostgres(dataDir);
    expect(existsSync(join(dataDir, "cluster"))).toBe(false);
    expect(readdirSync(dataDir)).toEqual([]);
    expect(await count(await start(dataDir))).toBe(1);
  });
});
