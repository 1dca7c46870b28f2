import { readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isCodedError } from "@aios/kernel/coded-error";
import { wipeEmbeddedPostgres } from "@aios/service-kit/embedded-postgres";
import { INSTANCE_FILE, type LocalInstance } from "@aios/service-kit/local-instance";
import { processBirth } from "@aios/service-kit/process-birth";
import { systemClock } from "@aios/service-kit/system-clock";
import { announcements } from "./announcements.js";
import { type LauncherArguments, parseLauncherArguments, USAGE } from "./arguments.js";
import { requireWholeState } from "./backup/local-state.js";
import { MINIMUM_FREE_BYTES, requireFreeSpace } from "./free-space.js";
import { requireHonkPowers } from "./honk-powers.js";
import { InstanceFile } from "./instance.js";
import { runLocalMainJob } from "./local-main-job.js";
import { Platform } from "./platform.js";

const root = dirname(dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url))))));
const out = process.stdout;
const STOPPED_BY_SIGNAL = 130;
// A terminal that is gone, or a reader that has seen enough, must not keep the platform from being stopped in order.
out.on("error", () => undefined);

try {
  // What still waits for an answer of the stopped platform must not hold this process up.
  process.exit(await launch(parseLauncherArguments(process.argv.slice(3), root)));
} catch (error) {
  process.stderr.write(`\naios: ${describe(error)}\n`);
  process.exit(1);
}

async function launch(options: LauncherArguments): Promise<number> {
  if (options.help) {
    out.write(USAGE);
    return 0;
  }
  requireFreeSpace(options.dataDir, options.fresh ? 0 : MINIMUM_FREE_BYTES);
  await requireWholeState(options.dataDir);
  const instance = new InstanceFile(options.dataDir);
  const birth = processBirth(process.pid);
  const own = {
    pid: process.pid,
    ...(birth === undefined ? {} : { birth }),
    startedAt: new Date(systemClock.now()).toISOString(),
  };
  const running = instance.claim(own);
  if (running !== undefined) {
    sayWhatRuns(running);
    return 1;
  }
  try {
    if (options.fresh) {
      if (options.honkPowers !== undefined) requireHonkPowers(options.dataDir, options.honkPowers);
      wipe(options.dataDir);
    }
    requireFreeSpace(options.dataDir);
    return await run(options, (platform) =>
      instance.announce({
        ...own,
        urls: { gateway: platform.gatewayUrl, jsonRpc: platform.jsonRpcUrl },
        ports: Object.fromEntries(platform.ports),
      }),
    );
  } finally {
    instance.release();
  }
}

async function run(options: LauncherArguments, onUp: (platform: Platform) => void): Promise<number> {
  const stopped = stopRequested();
  out.write("\nAiOS on this machine\n");
  const startedAt = systemClock.now();
  const platform = await startOrStop(options, stopped);
  if (platform === undefined) return STOPPED_BY_SIGNAL;
  try {
    onUp(platform);
    out.write(`      all healthy after ${((systemClock.now() - startedAt) / 1000).toFixed(1)} s\n`);
    for (const { name, wanted, port } of platform.movedPorts) {
      out.write(`      port ${wanted} (${name}) was taken by another program; it is ${port} now\n`);
    }
    const done = options.idle ? true : runLocalMainJob(platform, out, { stopped });
    const succeeded = await Promise.race([done, stopped.then(() => undefined)]);
    if (succeeded === undefined) return STOPPED_BY_SIGNAL;
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
    honorNodes: options.honorNodes,
    honkPowers: options.honkPowers,
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

function sayWhatRuns({ pid, startedAt, urls }: LocalInstance): void {
  const where =
    urls === undefined
      ? "  It is still starting.\n"
      : `  studio and API  ${urls.gateway}\n  JSON-RPC        ${urls.jsonRpc}\n`;
  out.write(
    `AiOS already runs here since ${startedAt} (process ${pid}).\n${where}` +
      `Stop it with Ctrl-C in its terminal, or: kill ${pid}\n`,
  );
}

/** Removes all state of earlier starts; what says that this one runs stays. */
function wipe(dataDir: string): void {
  const state = readdirSync(dataDir).filter((name) => name !== INSTANCE_FILE);
  if (state.length === 0) return;
  out.write(
    `\n--fresh: removing chain, databases, content, keys and logs in ${dataDir}: ${state.join(", ")}\n`,
  );
  wipeEmbeddedPostgres(join(dataDir, "postgres"));
  for (const name of state) rmSync(join(dataDir, name), { recursive: true, force: true });
}

/** What a person can act on; the stack only of what is a mistake in this program. */
function describe(error: unknown): string {
  if (isCodedError(error)) return `${error.message} (${error.code})`;
  if (error instanceof Error && "syscall" in error) return error.message;
  return String((error as Error).stack ?? error);
}

/** A second signal changes nothing: the stop takes five seconds at most. */
function stopRequested(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve());
  });
}
