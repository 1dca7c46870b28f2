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

/** A real Redis on a free port that writes every change ahead. */
export async function startRedis(): Promise<TestRedis> {
  const directory = temporaryDirectory("redis");
  const port = await freePort();
  let server = await serve(port, directory.path);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill(signal);
    await once(server, "close");
  };
  return {
    url: `redis://127.0.0.1:${port}/0`,
    async crash() {
      await end("SIGKILL");
      server = await serve(port, directory.path);
    },
    flush() {
      const flushed = spawnSync("redis-cli", ["-p", String(port), "FLUSHALL"]);
      if (flushed.status !== 0) throw new Error(`Redis could not be flushed: ${flushed.stderr}`);
    },
    async stop() {
      await end("SIGTERM");
      directory.remove();
    },
  };
}

async function serve(port: number, directory: string): Promise<ChildProcess> {
  const options = {
    port,
    bind: "127.0.0.1",
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
