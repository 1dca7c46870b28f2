import { once } from "node:events";
import { durationMs } from "@aios/kernel/units";
import type { HostPort } from "@aios/service-kit/config";
import { HealthRegistry, startHealthServer } from "@aios/service-kit/health";
import { observeProcess } from "@aios/service-kit/process-metrics";
import { systemClock } from "@aios/service-kit/system-clock";
import { startTelemetry } from "@aios/service-kit/telemetry";
import type { SyntheticCheck } from "./synthetic-check.js";

/** Runs and answers Prometheus until a signal asks it to end. */
export async function serveSynthetic(
  check: SyntheticCheck,
  listen: HostPort,
  say: (line: string) => void,
): Promise<void> {
  const telemetry = await startTelemetry({
    service: "synthetic",
    instanceId: String(process.pid),
    otlpEndpoint: undefined,
    samplePercent: 0,
  });
  observeProcess({ service: "synthetic" });
  const health = new HealthRegistry("synthetic");
  const server = await startHealthServer(listen, health, () => telemetry.prometheusText());
  say(`metrics at http://${listen.host}:${server.port}/metrics`);
  health.started();
  const end = new AbortController();
  const running = check.run(end.signal);
  await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
  end.abort();
  health.draining();
  await Promise.race([running, systemClock.wait(durationMs(3_000))]);
  await server.close();
  await telemetry.shutdown();
}
