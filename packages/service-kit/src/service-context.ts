import type { Clock } from "@aios/kernel/clock";
import type { Settings, SettingsDefinition } from "./config.js";
import type { EventBus } from "./event-bus.js";
import type { GrpcClient } from "./grpc-client.js";
import type { GrpcServiceDefinition } from "./grpc-methods.js";
import type { HealthRegistry } from "./health.js";
import type { Logger } from "./logger.js";
import type { PostgresPool } from "./postgres-pool.js";
import type { ProcessTelemetry } from "./process-telemetry.js";
import type { TokenIssuer, TrustBundle } from "./service-token.js";

/** Nest token of the context; provided everywhere. */
export const SERVICE_CONTEXT = Symbol("service-context");

/** What the kit gives to one service. */
export interface ServiceContext<D extends SettingsDefinition = SettingsDefinition> {
  readonly name: string;
  readonly settings: Settings<D>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly health: HealthRegistry;
  /** What this process knows of itself: version, metrics, traces, schema, backlogs. */
  readonly telemetry: ProcessTelemetry;
  /** Signs this service's tokens. */
  readonly identity: TokenIssuer;
  /** Public keys of all services. */
  readonly trust: TrustBundle;
  /** Pool of the service's own database; queries appear in traces. Throws unless `DATABASE_URL` is a setting. */
  readonly pool: PostgresPool;
  /** Throws unless `EVENT_BUS_URL` is a setting. */
  readonly events: EventBus;
  /** Aborts when the process was told to end: callers are to be sent elsewhere, everything goes on. */
  readonly leaving: AbortSignal;
  /** Aborts when the process starts to shut down, `AIOS_DRAIN_GRACE` later. */
  readonly draining: AbortSignal;
  /** A client that closes with the service. `settingName` is `<SERVICE>_GRPC_URL`, which also names the audience. */
  grpcClient<S extends GrpcServiceDefinition>(service: S, settingName: string): GrpcClient<S>;
  /** Runs when the process shuts down, after calls and events have ended, in reverse order of registration. */
  onShutdown(name: string, close: () => Promise<void>): void;
}
