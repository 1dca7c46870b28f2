import type { Clock } from "@aios/kernel/clock";
import { toCodedError } from "@aios/kernel/coded-error";
import { monotonicMs } from "@aios/service-kit/system-clock";

/** Asks one part of the platform something cheap; rejects when it does not answer. */
export interface PlatformProbe {
  readonly name: string;
  probe(signal: AbortSignal): Promise<string>;
}

export interface PlatformReport {
  readonly status: "ok" | "degraded";
  readonly version: string;
  readonly services: {
    readonly name: string;
    readonly healthy: boolean;
    readonly detail: string;
    readonly latencyMs: number;
  }[];
}

const PROBE_TIMEOUT_MS = 2_000;
const REUSE_MS = 1_000;

/** Whether each part of the platform answers; asked at most once a second, however many want to know. */
export class PlatformStatus {
  #recent: { readonly atMs: number; readonly report: Promise<PlatformReport> } | undefined;

  constructor(
    private readonly probes: readonly PlatformProbe[],
    private readonly clock: Pick<Clock, "now">,
    private readonly version: string,
  ) {}

  read(): Promise<PlatformReport> {
    const now = this.clock.now();
    if (this.#recent === undefined || now - this.#recent.atMs > REUSE_MS) {
      this.#recent = { atMs: now, report: this.#ask() };
    }
    return this.#recent.report;
  }

  async #ask(): Promise<PlatformReport> {
    const services = await Promise.all(
      this.probes.map(async ({ name, probe }) => {
        const startedAt = monotonicMs();
        const latencyMs = (): number => Math.round((monotonicMs() - startedAt) * 10) / 10;
        try {
          const detail = await probe(AbortSignal.timeout(PROBE_TIMEOUT_MS));
          return { name, healthy: true, detail, latencyMs: latencyMs() };
        } catch (error) {
          return { name, healthy: false, detail: toCodedError(error).message, latencyMs: latencyMs() };
        }
      }),
    );
    return {
      status: services.every((service) => service.healthy) ? "ok" : "degraded",
      version: this.version,
      services,
    };
  }
}
