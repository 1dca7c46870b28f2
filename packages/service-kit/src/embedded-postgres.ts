import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { CodedError } from "@aios/kernel/coded-error";
import { durationMs } from "@aios/kernel/units";
import {
  clusterDirectory,
  makeOwnedDirectory,
  type ServerUser,
  serverBinaries,
  serverUser,
  unusable,
} from "./embedded-postgres-host.js";
import { endProcess, isServerOf, readPostmasterPid } from "./embedded-postgres-process.js";
import { freePort } from "./free-port.js";
import { monotonicMs, systemClock } from "./system-clock.js";

export interface EmbeddedPostgresOptions {
  /** Holds the cluster and its password; survives restarts. */
  readonly dataDir: string;
  /** 0: any free one. */
  readonly port?: number;
  /** False gives up safety against power loss for speed; for tests. Crashes of the server lose nothing either way. */
  readonly durable?: boolean;
  readonly maxConnections?: number;
  readonly onLog?: (line: string) => void;
}

export interface EmbeddedPostgres {
  readonly port: number;
  readonly pid: number;
  /** Connection URL of a database, which need not exist yet. */
  url(database: string): string;
  /** Resolves when the server has ended, for whatever reason, with its last lines of log. */
  readonly ended: Promise<{ readonly expected: boolean; readonly log: readonly string[] }>;
  /** Ends connections, writes everything down, stops; at most about 8 s. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash. */
  kill(): Promise<void>;
}

const USER = "aios";
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 5_000;
const TAKEOVER_TIMEOUT_MS = 15_000;
const LOG_LINES_KEPT = 40;
const PORT_TRIES = 5;

/**
 * The server is a child that ends with this process, however that ends: the shell waits for standard input to close.
 * It runs in a session of its own, so that Ctrl-C reaches it only through `stop`.
 */
const WRAPPER = `exec 3<&0
"$@" </dev/null & server=$!
( cat <&3 >/dev/null 2>&1; kill -INT $server 2>/dev/null ) & watcher=$!
wait $server; code=$?
kill $watcher 2>/dev/null
exit $code`;

/**
 * Starts the PostgreSQL that npm installed on a data directory, creating the cluster at first use. Works as root (runs
 * as another user), after a crash, with a stale lock file, and takes over from a server left by a killed launcher.
 * Throws `address-in-use`, `embedded-postgres-unusable`, `disk-full`, `database-version`.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const user = serverUser();
  const native = serverBinaries(user);
  const cluster = clusterDirectory(options.dataDir, user);
  const password = await initialise(options, native, cluster, user);
  checkVersion(cluster);
  await takeOver(cluster);
  for (let attempt = 1; ; attempt++) {
    const port = options.port === undefined || options.port === 0 ? await freePort() : options.port;
    try {
      return await Server.start(options, { native, cluster, user, password, port });
    } catch (error) {
      const taken = error instanceof CodedError && error.code === "address-in-use";
      if (!taken || (options.port ?? 0) !== 0 || attempt >= PORT_TRIES) throw error;
    }
  }
}

/** Removes the cluster that belongs to this directory; the server must be stopped. */
export function wipeEmbeddedPostgres(dataDir: string): void {
  const cluster = clusterDirectory(dataDir, serverUser());
  rmSync(cluster, { recursive: true, force: true });
  rmSync(`${cluster}.new`, { recursive: true, force: true });
  rmSync(join(dataDir, "password"), { force: true });
}

async function initialise(
  options: EmbeddedPostgresOptions,
  native: string,
  cluster: string,
  user: ServerUser,
): Promise<string> {
  const passwordFile = join(options.dataDir, "password");
  if (existsSync(join(cluster, "PG_VERSION"))) {
    if (existsSync(passwordFile)) return readFileSync(passwordFile, "utf8").trim();
    throw unusable(`${passwordFile} is missing, and without it the database of ${cluster} cannot be opened.`);
  }
  const password = randomBytes(24).toString("base64url");
  // The cluster appears under its name only when complete, so that a crash here leaves nothing half-made.
  const staging = `${cluster}.new`;
  makeOwnedDirectory(staging, user);
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  const passwordForServer = join(staging, "..", "initial-password");
  writeFileSync(passwordForServer, `${password}\n`, { mode: 0o600 });
  if (user.uid !== undefined && user.gid !== undefined) chownSync(passwordForServer, user.uid, user.gid);
  try {
    await runInitdb(native, staging, passwordForServer, user, options.durable !== false);
  } finally {
    rmSync(passwordForServer, { force: true });
  }
  chmodSync(staging, 0o700);
  mkdirSync(dirname(cluster), { recursive: true });
  renameSync(staging, cluster);
  return password;
}

async function runInitdb(
  native: string,
  directory: string,
  passwordFile: string,
  user: ServerUser,
  durable: boolean,
): Promise<void> {
  const argv = [
    `--pgdata=${directory}`,
    `--username=${USER}`,
    `--pwfile=${passwordFile}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    ...(durable ? [] : ["--no-sync"]),
  ];
  const child = spawn(join(native, "bin", "initdb"), argv, {
    ...user,
    cwd: "/",
    env: serverEnvironment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output = (output + chunk.toString("utf8")).slice(-4_000);
    });
  }
  const [code] = (await once(child, "close").catch((error: unknown) => {
    throw unusable(`PostgreSQL's initdb could not be started: ${String(error)}`, error);
  })) as [number | null];
  if (code !== 0) throw failureFrom(output.split("\n"), "The database cluster could not be created");
}

function checkVersion(cluster: string): void {
  const found = readFileSync(join(cluster, "PG_VERSION"), "utf8").trim();
  if (found === SERVER_MAJOR) return;
  throw new CodedError({
    code: "database-version",
    kind: "conflict",
    message: `${cluster} was written by PostgreSQL ${found}, this is ${SERVER_MAJOR}. Start with --fresh to begin anew, or move the data with pg_dump.`,
  });
}

const SERVER_MAJOR = "18";

/** A server that a killed process left behind is stopped; a lock file that names somebody else's process is removed. */
async function takeOver(cluster: string): Promise<void> {
  const pid = readPostmasterPid(cluster);
  if (pid === undefined) return;
  if (await isServerOf(pid, cluster)) await endProcess(pid, "SIGINT", TAKEOVER_TIMEOUT_MS);
  rmSync(join(cluster, "postmaster.pid"), { force: true });
}

function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" };
}

interface ServerPlace {
  readonly native: string;
  readonly cluster: string;
  readonly user: ServerUser;
  readonly password: string;
  readonly port: number;
}

class Server implements EmbeddedPostgres {
  readonly port: number;
  readonly pid: number;
  readonly ended: Promise<{ readonly expected: boolean; readonly log: readonly string[] }>;
  readonly #place: ServerPlace;
  readonly #child: ChildProcess;
  #expected = false;

  private constructor(
    place: ServerPlace,
    child: ChildProcess,
    exited: Promise<unknown>,
    log: readonly string[],
  ) {
    this.#place = place;
    this.#child = child;
    this.port = place.port;
    this.pid = readPostmasterPid(place.cluster) ?? 0;
    this.ended = exited.then(() => ({ expected: this.#expected, log }));
  }

  static async start(options: EmbeddedPostgresOptions, place: ServerPlace): Promise<Server> {
    const endsAtMs = monotonicMs() + START_TIMEOUT_MS;
    for (;;) {
      const log: string[] = [];
      const child = spawn("/bin/sh", ["-c", WRAPPER, "aios-postgres", ...serverCommand(options, place)], {
        ...place.user,
        cwd: "/",
        detached: true,
        env: serverEnvironment(),
        stdio: ["pipe", "ignore", "pipe"],
      });
      child.stdin?.on("error", () => undefined);
      const exited = once(child, "exit").finally(() => child.stdin?.destroy());
      exited.catch(() => undefined);
      const ready = await becomesReady(child, exited, log, options.onLog, endsAtMs - monotonicMs());
      if (ready) return new Server(place, child, exited, log);
      child.stdin?.destroy();
      // Children of a server that was killed notice it within moments; until then the memory is in use.
      const passing = log.some((line) =>
        /shared memory block .* still in use|lock file .* already exists/.test(line),
      );
      if (!passing || monotonicMs() > endsAtMs)
        throw failureFrom(log, "PostgreSQL could not start", place.port);
      await systemClock.wait(durationMs(100));
      await takeOver(place.cluster);
    }
  }

  url(database: string): string {
    return `postgres://${USER}:${this.#place.password}@127.0.0.1:${this.port}/${database}`;
  }

  async stop(): Promise<void> {
    this.#expected = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    // Readers of the log must not hold it up.
    this.#child.stderr?.resume();
    await endProcess(this.pid, "SIGINT", STOP_TIMEOUT_MS);
    await this.ended;
  }

  async kill(): Promise<void> {
    this.#expected = true;
    await endProcess(this.pid, "SIGKILL", STOP_TIMEOUT_MS);
    await this.ended;
  }
}

function serverCommand(options: EmbeddedPostgresOptions, { native, cluster, port }: ServerPlace): string[] {
  const settings: Record<string, string | number> = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: options.maxConnections ?? 200,
    shared_buffers: "48MB",
    wal_level: "minimal",
    max_wal_senders: 0,
    max_wal_size: "256MB",
    jit: "off",
    log_checkpoints: "off",
    log_destination: "stderr",
    logging_collector: "off",
    idle_in_transaction_session_timeout: "60s",
    ...(options.durable === false ? { fsync: "off", full_page_writes: "off" } : {}),
  };
  return [
    join(native, "bin", "postgres"),
    "-D",
    cluster,
    "-p",
    String(port),
    ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ];
}

/** False when the server ended before it was ready; its lines are in `log`. */
function becomesReady(
  child: ChildProcess,
  exited: Promise<unknown>,
  log: string[],
  onLog: ((line: string) => void) | undefined,
  timeoutMs: number,
): Promise<boolean> {
  const { stderr } = child;
  if (stderr === null) throw new TypeError("the server's log is not piped");
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.stdin?.destroy();
      reject(
        unusable(
          `PostgreSQL was not ready within ${Math.round(timeoutMs / 1_000)} s: ${log.at(-1) ?? "no log"}`,
        ),
      );
    }, timeoutMs);
    createInterface({ input: stderr }).on("line", (line) => {
      log.push(line);
      if (log.length > LOG_LINES_KEPT) log.shift();
      onLog?.(line);
      if (!line.includes("database system is ready to accept connections")) return;
      clearTimeout(timer);
      resolve(true);
    });
    exited.then(
      () => {
        clearTimeout(timer);
        // The last lines come after the exit.
        if (stderr.readableEnded) resolve(false);
        else setImmediate(() => resolve(false));
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(unusable(`PostgreSQL could not be started: ${String(error)}`, error));
      },
    );
  });
}

function failureFrom(log: readonly string[], what: string, port?: number): CodedError {
  const text = log.join("\n");
  if (/No space left on device/.test(text)) {
    return new CodedError({
      code: "disk-full",
      kind: "unavailable",
      message: `${what}: the disk is full. Free some space and start again.`,
    });
  }
  if (port !== undefined && /could not bind|could not create any TCP\/IP sockets/.test(text)) {
    return new CodedError({
      code: "address-in-use",
      kind: "conflict",
      message: `${what}: port ${port} is in use. Stop what uses it or choose another port.`,
      details: { port },
    });
  }
  const reason = log.filter((line) => /FATAL|ERROR|error|could not/.test(line)).slice(-3);
  return unusable(`${what}: ${(reason.length > 0 ? reason : log.slice(-3)).join(" ") || "it said nothing"}`);
}
