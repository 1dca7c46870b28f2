import type { DynamicModule, INestApplication } from "@nestjs/common";
import type { SettingsDefinition } from "./config.js";
import type { GrpcServiceDefinition } from "./grpc-methods.js";
import type { ServiceContext } from "./service-context.js";

export interface HttpOptions<D extends SettingsDefinition> {
  /** Makes the application on its HTTP adapter; the kit adds gRPC, events, guard and filter. */
  create(module: DynamicModule, context: ServiceContext<D>): Promise<INestApplication>;
  listen(context: ServiceContext<D>): { readonly host: string; readonly port: number };
}

export interface ServiceOptions<D extends SettingsDefinition> {
  /** Name in tokens, traces, metrics, consumer group: `zk-prover`. */
  readonly name: string;
  /** Spread of `baseSettings`, of `databaseSettings` for a database, of `eventBusSettings` for events, and own ones. */
  readonly settings: D;
  /** Prisma migration folders; applied before anything else runs. */
  readonly migrationsDir?: URL;
  /** Generated definitions, for example `[ContentServiceService]`. */
  readonly grpc?: { readonly services: readonly GrpcServiceDefinition[] };
  /** Deliver events to `@EventPattern` handlers. */
  readonly consumers?: boolean;
  readonly http?: HttpOptions<D>;
  module(context: ServiceContext<D>): DynamicModule | Promise<DynamicModule>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly argv?: readonly string[];
}

export interface RunningService<D extends SettingsDefinition> {
  readonly context: ServiceContext<D>;
  readonly grpcPort: number | undefined;
  /** For callers without a certificate. */
  readonly providerPort: number | undefined;
  readonly healthPort: number;
  readonly httpPort: number | undefined;
  /** Drains and closes everything; safe to call twice. */
  close(): Promise<void>;
}
