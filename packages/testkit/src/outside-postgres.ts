import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { freePort } from "@aios/service-kit/free-port";
import pg from "pg";
import { eventually } from "./eventually.js";
import { type TemporaryDirectory, temporaryDirectory } from "./temporary-directory.js";

const INSTALLED = "/usr/lib/postgresql";
const NEEDED = ["initdb", "postgres", "pg_basebackup", "pg_receivewal"] as const;
const USER = "aios";
const ARCHIVE = "archive";
const READY_MS = 60_000;
const MAX_CONNECTIONS = 200;

export interface OutsidePostgres {
  /** URL of a database, which need not exist yet; the same before and after a failover. */
  url(database: string): string;
  /** Takes a base backup of the running server, from which `failOver` and `restoreBaseBackup` start. */
  takeBaseBackup(): Promise<void>;
  /**
   * Kills the server, restores the base backup elsewhere, replays the archived WAL, promotes it and answers at the same
   * address. Nothing that was committed is lost: the archive is a synchronous standby.
   */
  failOver(): Promise<void>;
  /** Puts the last base backup in place of what is there now: everything since is lost. */
  restoreBaseBackup(): Promise<void>;
  stop(): Promise<void>;
}

/** True when a whole PostgreSQL is installed, with what takes base backups and receives WAL. */
export function outsidePostgresIsInstalled(): boolean {
  return binaries() !== undefined;
}

/** A PostgreSQL as an operator runs one: a server of the distribution with an archive that receives its WAL. */
export async function startOutsidePostgres(): Promise<OutsidePostgres> {
  const bin = binaries();
  if (bin === undefined) throw new Error("no PostgreSQL with pg_basebackup and pg_receivewal is installed");
  const server = new ArchivedServer(bin, temporaryDirectory("outside-postgres"), await freePort());
  await server.start();
  return server;
}

function binaries(): string | undefined {
  if (!existsSync(INSTALLED)) return undefined;
  return readdirSync(INSTALLED)
    .map((version) => join(INSTALLED, version, "bin"))
    .find((bin) => NEEDED.every((name) => existsSync(join(bin, name))));
}

class ArchivedServer implements OutsidePostgres {
  readonly #bin: string;
  readonly #directory: TemporaryDirectory;
  readonly #port: number;
  readonly #user = serverUser();
  readonly #archive: string;
  #backups = 0;
  #server: ChildProcess | undefined;
  #receiver: ChildProcess | undefined;

  constructor(bin: string, directory: TemporaryDirectory, port: number) {
    this.#bin = bin;
    this.#directory = directory;
    this.#port = port;
    this.#archive = join(directory.path, "archive");
    for (const path of [this.#primary, this.#archive]) this.#makeOwned(path);
  }

  url(database: string): string {
    return `postgres://${USER}@127.0.0.1:${this.#port}/${database}`;
  }

  async start(): Promise<void> {
    this.#run("initdb", "--pgdata", this.#primary, "--username", USER, "--auth=trust", "--no-sync");
    configure(this.#primary, {
      port: this.#port,
      listen_addresses: "'127.0.0.1'",
      unix_socket_directories: "''",
      max_connections: MAX_CONNECTIONS,
      wal_level: "replica",
      // Only guards against power loss; the archive below is what survives the server.
      fsync: "off",
    });
    this.#server = await this.#serve(this.#primary);
    this.#receiver = this.#spawn("pg_receivewal", [
      ...["--directory", this.#archive, "--synchronous", "--no-loop", "--no-password"],
      ...["--dbname", `host=127.0.0.1 port=${this.#port} user=${USER} application_name=${ARCHIVE}`],
    ]);
    await this.#query(`ALTER SYSTEM SET synchronous_standby_names = '${ARCHIVE}'`);
    await this.#query("SELECT pg_reload_conf()");
    await this.#until("SELECT count(*) = 1 AS holds FROM pg_stat_replication WHERE sync_state = 'sync'");
  }

  async takeBaseBackup(): Promise<void> {
    this.#backups += 1;
    this.#makeOwned(this.#backup);
    const backup = this.#spawn("pg_basebackup", [
      ...["--pgdata", this.#backup, "--wal-method=fetch", "--checkpoint=fast", "--no-sync", "--no-password"],
      ...["--host=127.0.0.1", `--port=${this.#port}`, `--username=${USER}`],
    ]);
    const [code] = (await once(backup, "close")) as [number | null];
    if (code !== 0) throw new Error(`pg_basebackup ended with ${code}`);
  }

  async failOver(): Promise<void> {
    await end(this.#server, "SIGKILL");
    await end(this.#receiver, "SIGTERM");
    configure(this.#backup, {
      synchronous_standby_names: "''",
      // The segment that was being written when the server died has not got its name yet.
      restore_command: `'cp "${this.#archive}/%f" "%p" || cp "${this.#archive}/%f.partial" "%p"'`,
    });
    writeFileSync(join(this.#backup, "recovery.signal"), "");
    this.#server = await this.#serve(this.#backup);
    await this.#until("SELECT NOT pg_is_in_recovery() AS holds");
  }

  async restoreBaseBackup(): Promise<void> {
    await end(this.#server, "SIGKILL");
    await end(this.#receiver, "SIGTERM");
    configure(this.#backup, { synchronous_standby_names: "''" });
    this.#server = await this.#serve(this.#backup);
  }

  async stop(): Promise<void> {
    await end(this.#receiver, "SIGTERM");
    await end(this.#server, "SIGINT");
    this.#directory.remove();
  }

  get #primary(): string {
    return join(this.#directory.path, "primary");
  }

  /** The data directory of the last base backup; a server that starts from it goes on in it. */
  get #backup(): string {
    return join(this.#directory.path, `backup-${this.#backups}`);
  }

  #makeOwned(path: string): void {
    mkdirSync(path, { mode: 0o700 });
    if (this.#user.uid !== undefined) chownSync(path, this.#user.uid, this.#user.gid ?? this.#user.uid);
  }

  async #serve(dataDir: string): Promise<ChildProcess> {
    const server = this.#spawn("postgres", ["-D", dataDir]);
    const ended = once(server, "close").then(([code]) => {
      throw new Error(`PostgreSQL ended with ${String(code)}`);
    });
    await Promise.race([ended, this.#until("SELECT true AS holds")]);
    ended.catch(() => undefined);
    return server;
  }

  #spawn(program: string, args: readonly string[]): ChildProcess {
    return spawn(join(this.#bin, program), args, {
      ...this.#user,
      cwd: this.#directory.path,
      stdio: "ignore",
    });
  }

  #run(program: string, ...args: readonly string[]): void {
    const done = spawnSync(join(this.#bin, program), args, { ...this.#user, cwd: this.#directory.path });
    if (done.status !== 0) throw new Error(`${program}: ${String(done.stderr)}`);
  }

  #until(sql: string): Promise<void> {
    return eventually(async () => {
      const [row] = await this.#query(sql);
      if (row?.holds !== true) throw new Error(`not yet: ${sql}`);
    }, READY_MS);
  }

  async #query(sql: string): Promise<readonly { readonly holds?: unknown }[]> {
    const client = new pg.Client({ connectionString: this.url("postgres") });
    client.on("error", () => undefined);
    await client.connect();
    try {
      return (await client.query<{ holds?: unknown }>(sql)).rows;
    } finally {
      await client.end();
    }
  }
}

function configure(dataDir: string, settings: Readonly<Record<string, string | number>>): void {
  // The last of two lines of one name counts; what ALTER SYSTEM writes comes after postgresql.conf.
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
  appendFileSync(join(dataDir, "postgresql.auto.conf"), lines.join(""));
}

async function end(process: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
  process.kill(signal);
  await once(process, "close");
}

/** PostgreSQL refuses root: then the distribution's own user. */
function serverUser(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((entry) => entry.startsWith("postgres:"));
  const [, , uid, gid] = line?.split(":") ?? [];
  if (uid === undefined) throw new Error("there is no user 'postgres' to run PostgreSQL as");
  return { uid: Number(uid), gid: Number(gid) };
}
