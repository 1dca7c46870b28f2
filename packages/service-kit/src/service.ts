import "reflect-metadata";
import { randomUUID } from "node:crypto";
import { isCodedError } from "@aios/kernel/coded-error";
import { type BaseSettings, HelpRequested, loadSettings, type SettingsDefinition } from "./config.js";
import { createLogger, type Logger } from "./logger.js";
import { migrateOnly } from "./migrate-only.js";
import type { RunningService, ServiceOptions } from "./service-options.js";
import { ServiceRuntime } from "./service-runtime.js";
import { leaveReason } from "./start-failure.js";

const EXIT_BAD_SETTINGS = 78;
const HARD_LIMIT_AFTER_DRAIN_MS = 3_000;

/**
 * The main function of a service: reads settings, starts everything, drains on SIGTERM and SIGINT; with `--migrate` it
 * only brings the database's schema up to date. Ends the process with code 0 after `--help`, a migration or a drain,
 * 78 for bad settings, 1 when it cannot start or breaks.
 */
export async function runService<D extends SettingsDefinition>(options: ServiceOptions<D>): Promise<void> {
  let logger: Logger | undefined;
  try {
    if ((options.argv ?? process.argv.slice(2)).includes("--migrate")) {
      await migrateOnly(options, (line) => process.stdout.write(`${options.name}: ${line}\n`));
      return;
    }
    const settings = readSettings(options);
    const instanceId = randomUUID();
    logger = createLogger({
      service: options.name,
      level: (settings as unknown as BaseSettings).LOG_LEVEL,
      instanceId,
    });
    const runtime = new ServiceRuntime(options, settings, logger, instanceId);
    endOnSignals(runtime, logger);
    await runtime.start();
  } catch (error) {
    const code = isCodedError(error) && error.code === "invalid-settings" ? EXIT_BAD_SETTINGS : 1;
    const reason = error instanceof Error ? error.message : String(error);
    leaveReason(`${options.name}: ${reason}`);
    if (logger !== undefined) {
      logger.error({ error }, "the service could not start");
      exitWhenWritten(logger, code);
    } else {
      process.stderr.write(`${options.name}: ${reason}\n`, () => process.exit(code));
    }
  }
}

/** Starts a service inside this process, for tests and tools; the caller closes it. Telemetry is per process. */
export async function startService<D extends SettingsDefinition>(
  options: ServiceOptions<D>,
): Promise<RunningService<D>> {
  const settings = loadSettings(options.settings, options.env ?? process.env, options.argv ?? []);
  const instanceId = randomUUID();
  const logger = createLogger({
    service: options.name,
    level: (settings as unknown as BaseSettings).LOG_LEVEL,
    instanceId,
  });
  const runtime = new ServiceRuntime(options, settings, logger, instanceId);
  try {
    return await runtime.start();
  } catch (error) {
    await runtime.close();
    throw error;
  }
}

function readSettings<D extends SettingsDefinition>(
  options: ServiceOptions<D>,
): ReturnType<typeof loadSettings<D>> {
  try {
    return loadSettings(options.settings, options.env ?? process.env, options.argv ?? process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof HelpRequested)) throw error;
    process.stdout.write(`${options.name}\n\n${error.message}\n`);
    process.exit(0);
  }
}

function endOnSignals<D extends SettingsDefinition>(runtime: ServiceRuntime<D>, logger: Logger): void {
  let ending = false;
  const end = (code: number): void => {
    if (ending) return;
    ending = true;
    setTimeout(() => {
      logger.error("the drain did not end in time; what is left is cut off");
      process.exit(code === 0 ? 1 : code);
    }, runtime.closeTimeoutMs + HARD_LIMIT_AFTER_DRAIN_MS).unref();
    runtime.close().then(
      () => exitWhenWritten(logger, code),
      (error: unknown) => {
        logger.error({ error }, "the drain failed");
        exitWhenWritten(logger, 1);
      },
    );
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      logger.info({ signal }, "draining");
      end(0);
    });
  }
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(event, (error: unknown) => {
      logger.error({ error, event }, "an error was not handled; the process ends");
      end(1);
    });
  }
}

/**
 * The log is written, or has failed, before the end: what is still buffered then is written synchronously by pino,
 * which tries for ever where nobody reads the pipe any more. For the same reason nothing here is logged as fatal.
 */
function exitWhenWritten(logger: Logger, code: number): void {
  process.exitCode = code;
  logger.flush(() => process.exit(code));
}
