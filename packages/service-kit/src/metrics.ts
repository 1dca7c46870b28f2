import { type Attributes, metrics, type ObservableGauge } from "@opentelemetry/api";

/** How one instrument is declared: its kind, what it counts, and its unit (UCUM, for example `ms`, `By`, `1`). */
export type InstrumentDeclaration =
  | { readonly kind: "counter" | "up-down-counter"; readonly description: string; readonly unit?: string }
  | {
      readonly kind: "histogram";
      readonly description: string;
      readonly unit?: string;
      /** Upper bounds of the buckets, ascending. */
      readonly buckets?: readonly number[];
    }
  | { readonly kind: "gauge"; readonly description: string; readonly unit?: string };

export interface Counter {
  add(value: number, attributes?: Attributes): void;
}

export interface Histogram {
  record(value: number, attributes?: Attributes): void;
}

type GaugeSource = () => number | undefined | Promise<number | undefined>;

export interface Gauge {
  /** Sets the value from now on. */
  set(value: number, attributes?: Attributes): void;
  /** Tells nothing any more under these attributes. */
  remove(attributes: Attributes): void;
  /** Asks for the value whenever metrics are read, `undefined` for none just now; replaces an earlier source. */
  observe(read: GaugeSource): void;
}

type InstrumentOf<D extends InstrumentDeclaration> = D extends { kind: "histogram" }
  ? Histogram
  : D extends { kind: "gauge" }
    ? Gauge
    : Counter;

type Instruments<D extends Readonly<Record<string, InstrumentDeclaration>>> = {
  readonly [Name in keyof D]: InstrumentOf<D[Name]>;
};

/** Latency of calls and queries, in milliseconds. */
export const LATENCY_BUCKETS_MS: readonly number[] = [
  1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000,
];

const declared = new Map<string, InstrumentDeclaration>();

/**
 * Declares every instrument of one service, once, in its `metrics.ts`. Names become `aios_<service>_<name>` in
 * snake case: `defineMetrics("compute", { leasesGranted: { kind: "counter", … } })` is `aios_compute_leases_granted`.
 */
export function defineMetrics<const D extends Readonly<Record<string, InstrumentDeclaration>>>(
  service: string,
  declarations: D,
): Instruments<D> {
  const instruments = Object.entries(declarations).map(([name, declaration]) => {
    const fullName = `aios_${snakeCase(service)}_${snakeCase(name)}`;
    if (declared.has(fullName)) throw new TypeError(`the metric ${fullName} is declared twice`);
    declared.set(fullName, declaration);
    return [name, lazily(() => create(fullName, declaration))] as const;
  });
  return Object.fromEntries(instruments) as Instruments<D>;
}

/** Every metric that this process declared, for checks of dashboards and rules. */
export function declaredMetrics(): ReadonlyMap<string, InstrumentDeclaration> {
  return declared;
}

function snakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll("-", "_")
    .toLowerCase();
}

/** Modules declare metrics while they load, before telemetry runs; the instrument is made at first use. */
function lazily<T extends object>(make: () => T): T {
  let made: T | undefined;
  return new Proxy({} as T, {
    get(_target, property) {
      made ??= make();
      const member: unknown = Reflect.get(made, property);
      return typeof member === "function" ? (member.bind(made) as unknown) : member;
    },
  });
}

function create(name: string, declaration: InstrumentDeclaration): Counter | Histogram | Gauge {
  const meter = metrics.getMeter("@aios/service-kit");
  const options = {
    description: declaration.description,
    ...(declaration.unit === undefined ? {} : { unit: declaration.unit }),
  };
  switch (declaration.kind) {
    case "counter":
      return meter.createCounter(name, options);
    case "up-down-counter":
      return meter.createUpDownCounter(name, options);
    case "histogram":
      return meter.createHistogram(name, {
        ...options,
        advice: { explicitBucketBoundaries: [...(declaration.buckets ?? LATENCY_BUCKETS_MS)] },
      });
    case "gauge":
      return new CombinedGauge(meter.createObservableGauge(name, options));
  }
}

const LARGEST_GAUGE_SERIES = 500;

class CombinedGauge implements Gauge {
  readonly #values = new Map<string, { readonly value: number; readonly attributes: Attributes }>();
  #read: GaugeSource | undefined;

  constructor(gauge: ObservableGauge) {
    gauge.addCallback(async (result) => {
      const value = await this.#read?.();
      if (value !== undefined) result.observe(value);
      for (const { value, attributes } of this.#values.values()) result.observe(value, attributes);
    });
  }

  set(value: number, attributes: Attributes = {}): void {
    const key = JSON.stringify(attributes);
    if (!this.#values.has(key) && this.#values.size >= LARGEST_GAUGE_SERIES) return;
    this.#values.set(key, { value, attributes });
  }

  remove(attributes: Attributes): void {
    this.#values.delete(JSON.stringify(attributes));
  }

  observe(read: GaugeSource): void {
    this.#read = read;
  }
}
