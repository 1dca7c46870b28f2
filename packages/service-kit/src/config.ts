import { CodedError } from "@aios/kernel/coded-error";
import { z } from "zod";
import { parseKafkaUrl } from "./kafka-url.js";

export interface Setting<T> {
  readonly schema: z.ZodType<T>;
  /** What it does, with its unit. Printed by `--help`. */
  readonly description: string;
  /** Text form of the default, parsed by the schema like a given value. Without one the setting is required. */
  readonly default: string | undefined;
  /** Never printed and redacted in logs. */
  readonly secret: boolean;
  /** May be absent: the value is then `undefined`. */
  readonly optional: boolean;
}

export type SettingsDefinition = Readonly<Record<string, Setting<unknown>>>;

export type Settings<D extends SettingsDefinition> = {
  readonly [Name in keyof D]: D[Name] extends Setting<infer T> ? T : never;
};

interface SettingOptions {
  readonly description: string;
  readonly default?: string | number | boolean;
  readonly secret?: boolean;
}

/** One environment variable. The schema receives the variable's text; use the helpers below for numbers and units. */
export function setting<T>(schema: z.ZodType<T>, options: SettingOptions): Setting<T> {
  return {
    schema,
    description: options.description,
    default: options.default === undefined ? undefined : String(options.default),
    secret: options.secret ?? false,
    optional: false,
  };
}

/** Like `setting`, but absent means `undefined`. */
export function optionalSetting<T>(
  schema: z.ZodType<T>,
  options: Omit<SettingOptions, "default">,
): Setting<T | undefined> {
  return { ...setting(schema, options), schema: schema.optional(), optional: true };
}

export function defineSettings<D extends SettingsDefinition>(definition: D): D {
  for (const name of Object.keys(definition)) {
    if (!/^[A-Z][A-Z0-9_]*$/.test(name)) throw new TypeError(`${name} is not an environment variable name`);
  }
  return definition;
}

/** Thrown by `loadSettings` for `--help`; the text is to be printed and the process ends with code 0. */
export class HelpRequested extends Error {
  override readonly name = "HelpRequested";
}

/**
 * Reads and checks every setting; `--help` in `argv` throws `HelpRequested` with the text. Empty text counts as absent.
 * Throws `invalid-settings`, whose message names each bad variable, says what it must be and how to mend it.
 */
export function loadSettings<D extends SettingsDefinition>(
  definition: D,
  env: Readonly<Record<string, string | undefined>> = process.env,
  argv: readonly string[] = [],
): Settings<D> {
  if (argv.includes("--help") || argv.includes("-h")) throw new HelpRequested(describeSettings(definition));
  const values: Record<string, unknown> = {};
  const problems: { name: string; problem: string }[] = [];
  for (const [name, entry] of Object.entries(definition)) {
    const given = env[name] === "" ? undefined : env[name];
    const text = given ?? entry.default;
    if (text === undefined && !entry.optional) {
      problems.push({ name, problem: `is missing. Set it: ${entry.description}` });
      continue;
    }
    const parsed = entry.schema.safeParse(text);
    if (parsed.success) values[name] = parsed.data;
    else
      problems.push({
        name,
        problem: `${complaint(entry, text, parsed.error)} Set it to: ${entry.description}`,
      });
  }
  if (problems.length > 0) {
    throw new CodedError({
      code: "invalid-settings",
      kind: "invalid",
      message: problems.map(({ name, problem }) => `${name} ${problem}`).join("\n"),
      details: { variables: problems.map(({ name }) => name) },
    });
  }
  return Object.freeze(values) as Settings<D>;
}

function complaint(entry: Setting<unknown>, text: string | undefined, error: z.ZodError): string {
  const shown = entry.secret ? "the value" : `'${(text ?? "").slice(0, 80)}'`;
  const reason = error.issues.map((issue) => issue.message).join("; ");
  // A schema's own message may quote its input.
  return entry.secret
    ? `is not valid (${shown} is not shown).`
    : `is ${shown}, which is not valid: ${reason}.`;
}

/** The text of `--help`: every variable with its default and description; secrets have no default shown. */
export function describeSettings(definition: SettingsDefinition): string {
  const lines = ["Settings (environment variables):", ""];
  for (const [name, entry] of Object.entries(definition)) {
    const value =
      entry.default === undefined
        ? entry.optional
          ? "optional"
          : "required"
        : entry.secret
          ? "default hidden"
          : `default: ${entry.default}`;
    lines.push(`  ${name} (${value})`, `      ${entry.description}`);
  }
  return lines.join("\n");
}

/** Settings as loggable values: secrets become `[redacted]`, passwords inside URLs too. */
export function redactSettings<D extends SettingsDefinition>(
  definition: D,
  settings: Settings<D>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => {
      if (value === undefined) return [name, undefined];
      if (definition[name]?.secret !== false) return [name, "[redacted]"];
      return [name, typeof value === "string" ? redactUrl(value) : value];
    }),
  );
}

/** Hides the passwords of all URLs in a text. */
export function redactUrl(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/[^:/@\s]*):[^@\s]*@/gi, "$1:[redacted]@");
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `host:port`; port 0 lets the system choose. */
export const hostPort: z.ZodType<HostPort> = z.string().transform((text, context): HostPort => {
  const match = /^(?:\[([0-9a-f:]+)\]|([a-zA-Z0-9.-]+)):([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    context.addIssue({ code: "custom", message: "expected host:port, for example 127.0.0.1:50052" });
    return z.NEVER;
  }
  return { host: match[1] ?? match[2] ?? "", port };
});

/** A whole number given as text, within bounds. */
export function integer(minimum: number, maximum: number): z.ZodType<number> {
  return z.string().transform((text, context): number => {
    const value = Number(text);
    if (!/^-?[0-9]+$/.test(text) || !Number.isSafeInteger(value) || value < minimum || value > maximum) {
      context.addIssue({ code: "custom", message: `expected a whole number from ${minimum} to ${maximum}` });
      return z.NEVER;
    }
    return value;
  });
}

/** `true` or `false`. */
export const flag: z.ZodType<boolean> = z
  .enum(["true", "false"], { error: "expected true or false" })
  .transform((text) => text === "true");

const DURATION_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A duration with its unit, for example `250ms`, `5s`, `2m`, `1h`, `30d`; the value is in milliseconds. */
/** A timer of Node takes no more than 24 days. */
const DAY_MS = 86_400_000;

export const duration: z.ZodType<number> = unitOf(
  DURATION_MS,
  "a duration with a unit, for example 250ms, 5s or 2m",
);

const SIZE_BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** A size with its unit, for example `512KiB`, `16MiB`; the value is in bytes. */
export const byteSize: z.ZodType<number> = unitOf(
  SIZE_BYTES,
  "a size with a unit, for example 512KiB or 16MiB",
);

function unitOf(units: Readonly<Record<string, number>>, expected: string): z.ZodType<number> {
  return z.string().transform((text, context): number => {
    const match = /^([0-9]+)([a-zA-Z]+)$/.exec(text);
    const factor = Object.hasOwn(units, match?.[2] ?? "") ? units[match?.[2] ?? ""] : undefined;
    const value = Number(match?.[1]) * (factor ?? Number.NaN);
    if (!Number.isSafeInteger(value)) {
      context.addIssue({ code: "custom", message: `expected ${expected}` });
      return z.NEVER;
    }
    return value;
  });
}

/** `http://…` or `https://…`. */
export const httpUrl: z.ZodType<string> = z.url({ protocol: /^https?$/, error: "expected an http(s) URL" });

/** `postgres://user:password@host:port/database`. */
export const postgresUrl: z.ZodType<string> = z.url({
  protocol: /^postgres(ql)?$/,
  error: "expected postgres://user:password@host:port/database",
});

/** `postgres://…` as above, or `kafka://user:password@host:port,host:port`; `kafkas://` for TLS. */
export const eventBusUrl: z.ZodType<string> = z.string().refine(isEventBusUrl, {
  message: "expected postgres://user:password@host:port/database or kafka://host:port,host:port",
});

function isEventBusUrl(url: string): boolean {
  if (!/^kafkas?:/.test(url)) return postgresUrl.safeParse(url).success;
  try {
    parseKafkaUrl(url);
    return true;
  } catch {
    return false;
  }
}

/** `redis://user:password@host:port/database`; `rediss://` for TLS. */
export const redisUrl: z.ZodType<string> = z.url({
  protocol: /^rediss?$/,
  error: "expected redis://user:password@host:port/database",
});

/** A peer's gRPC address, `host:port` with a port from 1. */
export const grpcUrl: z.ZodType<string> = hostPort
  .refine(({ port }) => port > 0, { message: "expected host:port with a port from 1 to 65535" })
  .transform(({ host, port }) => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`));

export const text: z.ZodType<string> = z.string().min(1);

/** What every process of the kit reads. */
export const baseSettings = defineSettings({
  AIOS_GRPC_LISTEN: setting(hostPort, {
    description: "address that the gRPC server listens on, host:port (port 0: any free one)",
    default: "127.0.0.1:0",
  }),
  AIOS_HEALTH_LISTEN: setting(hostPort, {
    description: "address of health and metrics over HTTP, host:port (port 0: any free one)",
    default: "127.0.0.1:0",
  }),
  AIOS_SERVICE_KEY_FILE: setting(text, {
    description: "file with this service's Ed25519 private key as JWK",
  }),
  AIOS_TRUST_BUNDLE_FILE: setting(text, {
    description: "file with the public keys of all services as JWKS; the key id is the service's name",
  }),
  AIOS_TLS_CERT_FILE: optionalSetting(text, {
    description:
      "file with this service's certificate chain as PEM, for TLS with client certificates between services; absent with the other two AIOS_TLS_*_FILE: plain connections, as within one machine or a mesh",
  }),
  AIOS_TLS_KEY_FILE: optionalSetting(text, {
    description: "file with the certificate's private key as PEM",
  }),
  AIOS_TLS_CA_FILE: optionalSetting(text, {
    description: "file with the authorities that sign the services' certificates as PEM",
  }),
  AIOS_TLS_RELOAD: setting(duration, {
    description: "time between two looks whether the certificate files have changed, with its unit",
    default: "10s",
  }),
  AIOS_DATA_DIR: setting(text, { description: "directory for this process's files", default: ".aios" }),
  AIOS_VERSION: setting(text, {
    description: "what this process calls its version, for example the tag of its image",
    default: "0.1.0",
  }),
  LOG_LEVEL: setting(z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]), {
    description: "least severe log level that is written: trace, debug, info, warn, error, fatal or silent",
    default: "info",
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: optionalSetting(httpUrl, {
    description:
      "OTLP/HTTP collector for traces and metrics, for example http://127.0.0.1:4318; absent: none",
  }),
  AIOS_TRACE_SAMPLE_PERCENT: setting(integer(0, 100), {
    description: "percentage of new traces that are exported",
    default: 100,
  }),
  AIOS_DRAIN_GRACE: setting(duration, {
    description:
      "time that a process told to end goes on as before, not ready and closing HTTP connections with their answers, so that balancers and clients go elsewhere, with its unit",
    default: "0s",
  }),
  AIOS_DRAIN_TIMEOUT: setting(duration, {
    description: "longest time to finish running work on shutdown, with its unit",
    default: "4s",
  }),
  AIOS_GRPC_CONNECTION_AGE: setting(
    duration.refine((ms) => ms <= DAY_MS, { message: "expected at most a day" }),
    {
      description:
        "time after which callers are asked to connect anew, calls under way finishing, so that they spread over all replicas, with its unit",
      default: "2m",
    },
  ),
  AIOS_GRPC_MAX_MESSAGE: setting(byteSize, {
    description: "largest gRPC message, with its unit",
    default: "8MiB",
  }),
});

/** The service's own database; leave it out in a service that keeps no rows. */
export const databaseSettings = defineSettings({
  DATABASE_URL: setting(postgresUrl, {
    description: "the service's own database, postgres://user:password@host:port/database",
    secret: true,
  }),
  DATABASE_POOL_MAX: setting(integer(1, 100), {
    description: "most database connections of this process",
    default: 8,
  }),
  AIOS_MIGRATIONS: setting(z.enum(["apply", "verify"]), {
    description:
      "apply: bring the database's schema up to date at start; verify: only check it, where a run with --migrate has done that",
    default: "apply",
  }),
});

/** The event bus; needed to publish and to consume. */
export const eventBusSettings = defineSettings({
  EVENT_BUS_URL: setting(eventBusUrl, {
    description:
      "the event bus: postgres://user:password@host:port/database for the embedded log, or kafka://host:port,host:port",
    secret: true,
  }),
});

/** A second gRPC address where providers dial in. */
export const providerListenSettings = defineSettings({
  AIOS_GRPC_PROVIDER_LISTEN: optionalSetting(hostPort, {
    description:
      "gRPC address over TLS for callers without a certificate, which providers are, host:port; needs AIOS_TLS_CERT_FILE",
  }),
});

/** What several processes of one service share for a short time. */
export const coordinationSettings = defineSettings({
  REDIS_URL: optionalSetting(redisUrl, {
    description:
      "Redis for limits over all processes, redis://user:password@host:port/database; absent: each process counts by itself",
    secret: true,
  }),
});

/** What a service with a database and events reads: `defineSettings({ ...commonSettings, … })`. */
export const commonSettings = defineSettings({ ...baseSettings, ...databaseSettings, ...eventBusSettings });

export type BaseSettings = Settings<typeof baseSettings>;
export type CommonSettings = Settings<typeof commonSettings>;

function peer(service: string): Setting<string> {
  return setting(grpcUrl, { description: `gRPC address of the ${service} service, host:port` });
}

/** Addresses of other services; pick those that are called: `STORAGE_GRPC_URL: grpcPeers.STORAGE_GRPC_URL`. */
export const grpcPeers = defineSettings({
  CONSENSUS_GRPC_URL: peer("consensus"),
  STORAGE_GRPC_URL: peer("storage"),
  COMPUTE_GRPC_URL: peer("compute"),
  ZK_PROVER_GRPC_URL: peer("zk-prover"),
  MARKETPLACE_GRPC_URL: peer("marketplace"),
  ECONOMY_GRPC_URL: peer("economy"),
  SCORING_GRPC_URL: peer("scoring"),
});
