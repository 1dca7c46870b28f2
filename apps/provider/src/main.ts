#!/usr/bin/env node
import { HelpRequested, loadSettings } from "@aios/service-kit/config";
import { limitConnectionAttempts } from "@aios/service-kit/connection-attempts";
import { createLogger } from "@aios/service-kit/logger";
import { leaveReason } from "@aios/service-kit/start-failure";
import { providerSettings } from "./config.js";
import { startProvider } from "./provider.js";

try {
  const settings = loadSettings(providerSettings, process.env, process.argv.slice(2));
  const logger = createLogger({ service: "provider", level: settings.LOG_LEVEL });
  limitConnectionAttempts();
  const provider = await startProvider(settings, logger);
  const end = (): void =>
    void provider.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  process.once("SIGTERM", end);
  process.once("SIGINT", end);
} catch (error) {
  const help = error instanceof HelpRequested;
  if (!help) leaveReason(`aios-provider: ${error instanceof Error ? error.message : String(error)}`);
  const stream = help ? process.stdout : process.stderr;
  stream.write(
    `aios-provider${help ? "\n\n" : ": "}${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exitCode = help ? 0 : 78;
}
