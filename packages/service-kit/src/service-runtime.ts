import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { CodedError } from "@aios/kernel/coded-error";
import { durationMs } from "@aios/kernel/units";
import { TelemetryServiceService } from "@aios/proto/aios/telemetry/v1/telemetry";
import type { DynamicModule, INestApplication, INestMicroservice } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { CallerGuard } from "./caller-guard.js";
import { PassErrorsToTransport } from "./coded-error-filter.js";
import {
  type BaseSettings,
  type HostPort,
  redactSettings,
  type Settings,
  type SettingsDefinition,
} from "./config.js";
import { limitConnectionAttempts } from "./connection-attempts.js";
import { createDatabaseIfMissing } from "./database.js";
import { isDatabaseUnavailable } from "./database-outage.js";
import type { EventBus } from "./event-bus.js";
import { EventBusTransport } from "./event-bus-transport.js";
import { createGrpcClient } from "./grpc-client.js";
import { GrpcTransport } from "./grpc-transport.js";
import { HealthRegistry, startHealthServer } from "./health.js";
import { closeConnectionsWithAnswers, HttpCutOff } from "./http-drain.js";
import { inbox } from "./inbox.js";
import { type Logger, NestLogAdapter } from "./logger.js";
import { createMessagingSchema } from "./messaging-schema.js";
import { applyMigrations, verifyMigrations } from "./migrate.js";
import { openEventBus } from "./open-event-bus.js";
import { OutboxRelay } from "./outbox-relay.js";
import { createPool, type PostgresPool } from "./postgres-pool.js";
import { observeProcess } from "./process-metrics.js";
import { ProcessTelemetry } from "./process-telemetry.js";
import { SERVICE_CONTEXT, type ServiceContext } from "./service-context.js";
import type { RunningService, ServiceOptions } from "./service-options.js";
import { createTokenVerifier, loadTokenIssuer, loadTrustBundle } from "./service-token.js";
import { ServiceTransport } from "./service-transport.js";
import { startFailure } from "./start-failure.js";
import { monotonicMs, systemClock } from "./system-clock.js";
import { TelemetryController } from "./telemetry.controller.js";
import { startTelemetry, type Telemetry } from "./telemetry.js";
import type { TlsFiles } from "./tls-files.js";
import { TlsIdentity } from "./tls-identity.js";

const DATABASE_PATIENCE_MS = 30_000;
const DATABASE_RETRY_MS = 250;
const INBOX_RETENTION_MS = 100 * 86_400_000;
const INBOX_PRUNE_EVERY_MS = 3_600_000;
const FLUSH_MS = 1_000;

/** What the context offers only when the settings are there. */
type DataSettings = Partial<{
  DATABASE_URL: string;
  DATABASE_POOL_MAX: number;
  AIOS_MIGRATIONS: "apply" | "verify";
  EVENT_BUS_URL: string;
  AIOS_GRPC_PROVIDER_LISTEN: HostPort;
}>;

class KitModule {}
class RootModule {}

/** Starts the parts of one service in order and takes them down in reverse. */
export class ServiceRuntime<D extends SettingsDefinition> {
  readonly #options: ServiceOptions<D>;
  readonly #settings: Settings<D>;
  readonly #base: BaseSettings;
  readonly #data: DataSettings;
  readonly #logger: Logger;
  readonly #instanceId: string;
  readonly #closers: { readonly name: string; readonly close: () => Promise<void> }[] = [];
  readonly #leaving = new AbortController();
  readonly #draining = new AbortController();
  readonly #health: HealthRegistry;
  #pool: PostgresPool | undefined;
  #events: EventBus | undefined;
  #relay: OutboxRelay | undefined;
  #tls: TlsIdentity | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: ServiceOptions<D>, settings: Settings<D>, logger: Logger, instanceId: string) {
    this.#options = options;
    this.#settings = settings;
    this.#base = settings as unknown as BaseSettings;
    this.#data = settings as unknown as DataSettings;
    this.#logger = logger;
    this.#instanceId = instanceId;
    this.#health = new HealthRegistry(options.name);
  }

  /** Longest time from the request to end until nothing runs any more. */
  get closeTimeoutMs(): number {
    return this.#base.AIOS_DRAIN_GRACE + this.#base.AIOS_DRAIN_TIMEOUT;
  }

  async start(): Promise<RunningService<D>> {
    const { name } = this.#options;
    this.#logger.debug({ settings: redactSettings(this.#options.settings, this.#settings) }, "starting");
    const attempts = limitConnectionAttempts();
    this.#onClose("limit of connection attempts", async () => attempts[Symbol.dispose]());
    const telemetry = await startTelemetry({
      service: name,
      instanceId: this.#instanceId,
      otlpEndpoint: this.#base.OTEL_EXPORTER_OTLP_ENDPOINT,
      samplePercent: this.#base.AIOS_TRACE_SAMPLE_PERCENT,
    });
    this.#onClose("telemetry", () => withinMs(telemetry.shutdown(), FLUSH_MS));
    observeProcess({
      service: name,
      version: this.#base.AIOS_VERSION,
      dataDirectory: this.#base.AIOS_DATA_DIR,
    });
    let ownTelemetry: ProcessTelemetry | undefined;
    const health = await startHealthServer(
      this.#base.AIOS_HEALTH_LISTEN,
      this.#health,
      () => telemetry.prometheusText(),
      async () => ownTelemetry?.report([]),
    );
    this.#onClose("health server", () => health.close());
    await this.#loadTls();
    await this.#startDatabase();
    await this.#startEvents();
    const context = await this.#createContext(telemetry);
    ownTelemetry = context.telemetry;
    const transport = this.#createTransport(context);
    const app = await this.#startApplication(context, transport.strategy);
    const drainTimeoutMs = this.#base.AIOS_DRAIN_TIMEOUT;
    this.#onClose("calls and events", async () => {
      await Promise.all([
        transport.grpc?.drain(drainTimeoutMs),
        transport.events === undefined ? undefined : withinMs(transport.events.close(), drainTimeoutMs),
      ]);
    });
    this.#health.started();
    const ports = {
      grpcPort: transport.grpc?.port,
      providerPort: transport.grpc?.openPort,
      healthPort: health.port,
      httpPort: httpPortOf(app),
    };
    this.#logger.info({ ...ports, startedInMs: Math.round(process.uptime() * 1_000) }, "ready");
    return { context, ...ports, close: () => this.close() };
  }

  /** Reverse order of starting; each part is closed even when another fails to. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const served = this.#health.draining();
    this.#leaving.abort();
    // Whoever was told of this process goes on using it until the news has reached them.
    if (served) await systemClock.wait(durationMs(this.#base.AIOS_DRAIN_GRACE));
    this.#draining.abort();
    for (const { name, close } of this.#closers.reverse()) {
      try {
        await close();
      } catch (error) {
        this.#logger.warn({ error, part: name }, "a part did not close cleanly");
      }
    }
    this.#logger.info("stopped");
  }

  #onClose(name: string, close: () => Promise<void>): void {
    this.#closers.push({ name, close });
  }

  async #loadTls(): Promise<void> {
    const files = tlsFilesOf(this.#base);
    if (this.#data.AIOS_GRPC_PROVIDER_LISTEN !== undefined && files === undefined) {
      throw invalidSettings(
        "AIOS_GRPC_PROVIDER_LISTEN",
        "needs AIOS_TLS_CERT_FILE: without certificates, AIOS_GRPC_LISTEN takes providers too",
      );
    }
    if (files === undefined) return;
    const { name: service } = this.#options;
    const tls = await TlsIdentity.load({
      service,
      files,
      reloadMs: this.#base.AIOS_TLS_RELOAD,
      logger: this.#logger,
    });
    this.#tls = tls;
    tls.registerHealth(this.#health);
    this.#onClose("certificate files", async () => tls.close());
  }

  async #startDatabase(): Promise<void> {
    const { DATABASE_URL: url, DATABASE_POOL_MAX: max = 8 } = this.#data;
    if (url === undefined) return;
    const { name, migrationsDir } = this.#options;
    await this.#patiently("DATABASE_URL", async () => {
      if (migrationsDir === undefined) return createDatabaseIfMissing(url);
      if (this.#data.AIOS_MIGRATIONS === "verify") return verifyMigrations(migrationsDir, url);
      const report = await applyMigrations(migrationsDir, url);
      if (report.applied.length > 0) this.#logger.info({ migrations: report.applied }, "migrations applied");
    });
    const pool = createPool({ url, max, applicationName: name, logger: this.#logger });
    this.#pool = pool;
    this.#onClose("database pool", () => withinMs(pool.end(), FLUSH_MS));
    this.#health.register("database", async () => {
      await pool.query("SELECT 1");
    });
    await createMessagingSchema(pool);
    const prune = setInterval(() => {
      inbox.prune(pool, INBOX_RETENTION_MS).catch((error: unknown) => {
        this.#logger.warn({ error }, "old inbox records could not be removed");
      });
    }, INBOX_PRUNE_EVERY_MS);
    prune.unref();
    this.#onClose("inbox pruning", async () => clearInterval(prune));
  }

  async #startEvents(): Promise<void> {
    const { EVENT_BUS_URL: url, DATABASE_URL: databaseUrl } = this.#data;
    if (url === undefined) return;
    const { name } = this.#options;
    const bus = await this.#patiently("EVENT_BUS_URL", () =>
      openEventBus({ url, applicationName: name, logger: this.#logger }),
    );
    this.#events = bus;
    this.#onClose("event bus", () => withinMs(bus.close(), FLUSH_MS));
    this.#health.register("event-bus", () => bus.ping());
    const pool = this.#pool;
    if (databaseUrl === undefined || pool === undefined) return;
    const relay = new OutboxRelay({ databaseUrl, pool, bus, service: name, logger: this.#logger });
    await relay.start();
    this.#relay = relay;
    this.#onClose("outbox relay", () => relay.close(FLUSH_MS));
  }

  async #createContext(telemetry: Telemetry): Promise<ServiceContext<D>> {
    const { name } = this.#options;
    const identity = await loadTokenIssuer(name, this.#base.AIOS_SERVICE_KEY_FILE);
    const trust = await loadTrustBundle(this.#base.AIOS_TRUST_BUNDLE_FILE);
    const needPool = (): PostgresPool => this.#pool ?? missing("DATABASE_URL");
    const needEvents = (): EventBus => this.#events ?? missing("EVENT_BUS_URL");
    const settings = this.#settings;
    const onClose = this.#onClose.bind(this);
    const maxMessageBytes = this.#base.AIOS_GRPC_MAX_MESSAGE;
    const tls = this.#tls;
    return {
      name,
      settings,
      logger: this.#logger,
      clock: systemClock,
      health: this.#health,
      telemetry: this.#processTelemetry(telemetry),
      identity,
      trust,
      leaving: this.#leaving.signal,
      draining: this.#draining.signal,
      get pool() {
        return needPool();
      },
      get events() {
        return needEvents();
      },
      grpcClient(service, settingName) {
        const url = (settings as Readonly<Record<string, unknown>>)[settingName];
        if (typeof url !== "string") return missing(settingName);
        const client = createGrpcClient(service, url, {
          identity,
          audience: audienceOf(settingName),
          maxMessageBytes,
          ...(tls === undefined ? {} : { channelCredentials: tls.channelCredentials }),
        });
        onClose(`client of ${settingName}`, async () => client[Symbol.dispose]());
        return client;
      },
      onShutdown: onClose,
    };
  }

  #processTelemetry(telemetry: Telemetry): ProcessTelemetry {
    return new ProcessTelemetry({
      service: this.#options.name,
      version: this.#base.AIOS_VERSION,
      instanceId: this.#instanceId,
      startedAtMs: Math.round(systemClock.now() - process.uptime() * 1_000),
      dataDirectory: this.#base.AIOS_DATA_DIR,
      certificateFile: this.#base.AIOS_TLS_CERT_FILE,
      health: this.#health,
      spans: telemetry.spans,
      now: () => systemClock.now(),
      samples: (series) => telemetry.samples(series),
      pool: this.#pool,
      migrationsDir: this.#options.migrationsDir,
      relay: this.#relay,
      events: this.#events,
    });
  }

  #createTransport(context: ServiceContext<D>): {
    readonly grpc: GrpcTransport | undefined;
    readonly events: EventBusTransport | undefined;
    readonly strategy: ServiceTransport;
  } {
    const { name, grpc: grpcOptions, consumers } = this.#options;
    const openListen = this.#data.AIOS_GRPC_PROVIDER_LISTEN;
    const grpc =
      grpcOptions === undefined
        ? undefined
        : new GrpcTransport({
            listen: this.#base.AIOS_GRPC_LISTEN,
            services: [...grpcOptions.services, TelemetryServiceService],
            ...(this.#tls === undefined ? {} : { tls: this.#tls }),
            ...(openListen === undefined ? {} : { openListen }),
            verifier: createTokenVerifier(name, context.trust),
            maxMessageBytes: this.#base.AIOS_GRPC_MAX_MESSAGE,
            connectionAgeMs: this.#base.AIOS_GRPC_CONNECTION_AGE,
            logger: this.#logger,
          });
    const events =
      consumers === true
        ? new EventBusTransport({ bus: context.events, group: name, logger: this.#logger })
        : undefined;
    return { grpc, events, strategy: new ServiceTransport(grpc, events) };
  }

  async #startApplication(
    context: ServiceContext<D>,
    strategy: ServiceTransport,
  ): Promise<INestApplication | INestMicroservice> {
    const { http, module, grpc } = this.#options;
    const kit: DynamicModule = {
      module: KitModule,
      global: true,
      controllers: grpc === undefined ? [] : [TelemetryController],
      providers: [{ provide: SERVICE_CONTEXT, useValue: context }],
      exports: [SERVICE_CONTEXT],
    };
    const root: DynamicModule = { module: RootModule, imports: [kit, await module(context)] };
    const logger = new NestLogAdapter(this.#logger);
    if (http === undefined) {
      const app = await NestFactory.createMicroservice(root, { strategy, logger, abortOnError: false });
      app.useGlobalGuards(new CallerGuard());
      app.useGlobalFilters(new PassErrorsToTransport());
      this.#onClose("application", () => app.close());
      await app.listen();
      return app;
    }
    const app = await http.create(root, context);
    app.useLogger(logger);
    const attached = app.connectMicroservice(
      { strategy },
      // Initialised by `startAllMicroservices`: guards given to one that is initialised are left out.
      { inheritAppConfig: false, deferInitialization: true },
    );
    attached.useGlobalGuards(new CallerGuard());
    attached.useGlobalFilters(new PassErrorsToTransport());
    const server = app.getHttpServer() as Server;
    closeConnectionsWithAnswers(server, this.#leaving.signal);
    const cutOff = new HttpCutOff(server);
    this.#onClose("application", () => cutOff.during(() => app.close(), this.#base.AIOS_DRAIN_TIMEOUT));
    await app.startAllMicroservices();
    const { host, port } = http.listen(context);
    await app.listen(port, host);
    return app;
  }

  /** A database that is still starting is waited for, a bounded time. */
  async #patiently<T>(settingName: string, work: () => Promise<T>): Promise<T> {
    const endsAtMs = monotonicMs() + DATABASE_PATIENCE_MS;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const passing =
          isDatabaseUnavailable(error) || (error instanceof CodedError && error.kind === "unavailable");
        if (!passing || monotonicMs() >= endsAtMs || this.#draining.signal.aborted)
          throw startFailure(settingName, error);
        this.#logger.info(
          { reason: String(error), setting: settingName },
          "what this setting names does not answer yet",
        );
        await systemClock.wait(durationMs(DATABASE_RETRY_MS), this.#draining.signal);
      }
    }
  }
}

/** All three files or none: half a set-up would be a service that thinks it is protected. */
function tlsFilesOf(settings: BaseSettings): TlsFiles | undefined {
  const {
    AIOS_TLS_CERT_FILE: certificateFile,
    AIOS_TLS_KEY_FILE: keyFile,
    AIOS_TLS_CA_FILE: authorityFile,
  } = settings;
  if (certificateFile !== undefined && keyFile !== undefined && authorityFile !== undefined)
    return { certificateFile, keyFile, authorityFile };
  const given = Object.entries({ certificateFile, keyFile, authorityFile }).filter(
    ([, file]) => file !== undefined,
  );
  if (given.length === 0) return undefined;
  throw invalidSettings(
    "AIOS_TLS_CERT_FILE, AIOS_TLS_KEY_FILE and AIOS_TLS_CA_FILE",
    "belong together. Set all three for TLS between services, or none",
  );
}

function invalidSettings(variable: string, problem: string): CodedError {
  return new CodedError({ code: "invalid-settings", kind: "invalid", message: `${variable} ${problem}.` });
}

function audienceOf(settingName: string): string {
  return settingName
    .replace(/_GRPC_URL$/, "")
    .toLowerCase()
    .replaceAll("_", "-");
}

function httpPortOf(app: INestApplication | INestMicroservice): number | undefined {
  if (!("getHttpServer" in app)) return undefined;
  const server = app.getHttpServer() as { address(): AddressInfo | null };
  return server.address()?.port;
}

function missing(settingName: string): never {
  throw new TypeError(`this needs the setting ${settingName}, which the service does not define`);
}

async function withinMs(work: Promise<unknown>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`did not end within ${limitMs} ms`)), limitMs);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
