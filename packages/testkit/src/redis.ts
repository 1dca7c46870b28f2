import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { freePort } from "@aios/service-kit/free-port";
import { temporaryDirectory } from "./temporary-directory.js";

export interface TestRedis {
  readonly url: string;
  /** SIGKILL, then start again on the same port and data. */
  crash(): Promise<void>;
  /** Forgets everything, on disk too. */
  flush(): void;
  stop(): Promise<void>;
}

/** True when a `redis-server` is installed. */
export function redisIsInstalled(): boolean {
  return spawnSync("redis-server", ["--version"]).status === 0;
}

export interface RedisPlace {
  /** An address of this machine (127.0.0.1); another one needs a password. */
  readonly host?: string;
  /** A free one where absent. */
  readonly port?: number;
  readonly password?: string;
}

interface Served {
  readonly host: string;
  readonly port: number;
  readonly password: string | undefined;
  readonly directory: string;
}

/** A real Redis that writes every change ahead. */
export async function startRedis(place: RedisPlace = {}): Promise<TestRedis> {
  const { host = "127.0.0.1", password } = place;
  const directory = temporaryDirectory("redis");
  const served = { host, port: place.port ?? (await freePort()), password, directory: directory.path };
  let server = await serve(served);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill(signal);
    await once(server, "close");
  };
  return {
    url: `redis://${password === undefined ? "" : `:${password}@`}${host}:${served.port}/0`,
    async crash() {
      await end("SIGKILL");
      server = await serve(served);
    },
    flush() {
      const secret = password === undefined ? [] : ["-a", password];
      const flushed = spawnSync("redis-cli", ["-h", host, "-p", `${served.port}`, ...secret, "FLUSHALL"]);
      if (flushed.status !== 0) throw new Error(`Redis could not be flushed: ${flushed.stderr}`);
    },
    async stop() {
      await end("SIGTERM");
      directory.remove();
    },
  };
}

async function serve({ host, port, password, directory }: Served): Promise<ChildProcess> {
  const options = {
    ...(password === undefined ? {} : { requirepass: password }),
    port,
    bind: host,
    dir: directory,
    appendonly: "yes",
    appendfsync: "always",
    save: "",
  };
  const server = spawn(
    "redis-server",
    Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  for await (const chunk of server.stdout ?? []) {
    if (String(chunk).includes("Ready to accept connections")) break;
  }
  if (server.exitCode !== null) throw new Error(`redis-server ended with ${server.exitCode}`);
  return server;
}
