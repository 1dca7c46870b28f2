import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isCodedError } from "@aios/kernel/coded-error";
import { wipeEmbeddedPostgres } from "@aios/service-kit/embedded-postgres";
import { systemClock } from "@aios/service-kit/system-clock";
import { announcements } from "./announcements.js";
import { type LauncherArguments, parseLauncherArguments, USAGE } from "./arguments.js";
import { InstanceFile } from "./instance.js";
import { runLocalMainJob } from "./local-main-job.js";
import { Platform } from "./platform.js";

const root = dirname(dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url))))));
const out = process.stdout;

try {
  process.exitCode = await launch(parseLauncherArguments(process.argv.slice(3), root));
} catch (error) {
  const text = isCodedError(error)
    ? `${error.message} (${error.code})`
    : String((error as Error).stack ?? error);
  process.stderr.write(`\naios: ${text}\n`);
  process.exitCode = 1;
}

async function launch(options: LauncherArguments): Promise<number> {
  if (options.help) {
    out.write(USAGE);
    return 0;
  }
  const instance = new InstanceFile(options.dataDir);
  const running = instance.running();
  if (running !== undefined) {
    out.write(
      `AiOS already runs here since ${running.startedAt} (process ${running.pid}).\n` +
        `  studio and API  ${running.gatewayUrl}\n  JSON-RPC        ${running.jsonRpcUrl}\n` +
        `Stop it with Ctrl-C in its terminal, or: kill ${running.pid}\n`,
    );
    return 1;
  }
  if (options.fresh) wipe(options.dataDir);
  const stopped = stopRequested();
  out.write("\nAiOS on this machine\n");
  const startedAt = systemClock.now();
  const platform = await startOrStop(options, stopped);
  if (platform === undefined) return 130;
  instance.claim({
    pid: process.pid,
    startedAt: new Date(startedAt).toISOString(),
    gatewayUrl: platform.gatewayUrl,
    jsonRpcUrl: platform.jsonRpcUrl,
  });
  try {
    out.write(`      all healthy after ${((systemClock.now() - startedAt) / 1000).toFixed(1)} s\n`);
    for (const { name, wanted, port } of platform.movedPorts) {
      out.write(`      port ${wanted} (${name}) was taken by another program; it is ${port} now\n`);
    }
    const succeeded =
      options.idle || (await Promise.race([runLocalMainJob(platform, out), stopped.then(() => false)]));
    if (options.once) return succeeded ? 0 : 1;
    out.write(
      `\nAiOS is up. Ctrl-C stops it.\n  studio and API  ${platform.gatewayUrl}\n` +
        `  API reference   ${platform.gatewayUrl}/docs\n  JSON-RPC        ${platform.jsonRpcUrl}\n  logs            ${options.dataDir}/logs\n`,
    );
    await stopped;
    return succeeded ? 0 : 1;
  } finally {
    const stoppingAt = systemClock.now();
    await platform.stop();
    instance.release();
    out.write(`\nstopped everything in ${((systemClock.now() - stoppingAt) / 1000).toFixed(1)} s\n`);
  }
}

/** Starts the platform; a stop that is asked for meanwhile ends what has been started. */
async function startOrStop(
  options: LauncherArguments,
  stopped: Promise<void>,
): Promise<Platform | undefined> {
  const abort = new AbortController();
  const starting = Platform.start({
    root,
    dataDir: options.dataDir,
    portBase: options.portBase,
    clock: systemClock,
    events: announcements(out),
    onStep: (step) => out.write(`      ${step}\n`),
    signal: abort.signal,
  });
  stopped.then(() => abort.abort(new Error("stopped")));
  try {
    return await starting;
  } catch (error) {
    if (abort.signal.aborted) return undefined;
    throw error;
  }
}

function wipe(dataDir: string): void {
  if (!existsSync(dataDir)) return;
  out.write(`\n--fresh: removing chain, databases, content, keys and logs in ${dataDir}\n`);
  wipeEmbeddedPostgres(join(dataDir, "postgres"));
  rmSync(dataDir, { recursive: true, force: true });
}

function stopRequested(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
}
