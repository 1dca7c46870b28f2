import type { Operations, PlatformTrace, TraceSpan } from "@aios/sdk/operations-types";

export const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const SERVICES = [
  "gateway",
  "consensus",
  "storage",
  "compute",
  "zk-prover",
  "marketplace",
  "economy",
  "scoring",
] as const;
type Service = (typeof SERVICES)[number];

/** A platform where nearly all is well: scoring does not answer, marketplace is of another version. */
export function operations(nowMs: number): Operations {
  return {
    atMs: nowMs,
    watchedSinceMs: nowMs - 2 * 3_600_000,
    services: SERVICES.map((name, index) => service(name, index, nowMs)),
    chain: { latestHeight: 10_482, finalizedHeight: 10_480, indexedHeight: 10_482, providersOnline: 2 },
    queues: [
      queue("jobs-waiting", "funded jobs that no provider has yet", "compute", 3),
      queue("proofs-queued", "proofs asked for and not made", "zk-prover", 12),
      queue("receipts-not-anchored", "receipts that wait for a batch", "scoring", null),
    ],
    lags: [
      { service: "compute", topic: "economy.v1.job.changed", handled: 128, p50Ms: 10, p95Ms: 25 },
      { service: "marketplace", topic: "economy.v1.licence.purchased", handled: 0, p50Ms: null, p95Ms: null },
      { service: "scoring", topic: "compute.v1.receipt.issued", handled: 18, p50Ms: 50, p95Ms: 2_500 },
    ],
    objectives: [
      objective("gateway-availability", "answers of the gateway that are not its own failure", 0.999, 0),
      objective("job-success", "jobs that end settled", 0.99, 20),
    ],
    jobs: [1, 2, 3].map((job) => ({
      jobId: `0x${`${job}a`.repeat(32)}`,
      traceId: TRACE_ID,
      startedAtMs: nowMs - job * 90_000,
      lastEndedAtMs: nowMs - job * 90_000 + 14_200,
      failed: job === 2,
    })),
  };
}

function service(name: Service, index: number, nowMs: number): Operations["services"][number] {
  const silent = name === "scoring";
  return {
    name,
    state: silent ? "silent" : "ready",
    problem: silent ? "scoring cannot be reached just now; try again shortly." : null,
    latencyMs: 1.2 + index,
    version: silent ? null : name === "marketplace" ? "0.0.9" : "0.1.0",
    instanceId: silent ? null : `instance-${index}`,
    startedAtMs: silent ? null : nowMs - 7_500_000 - index * 1_000,
    clockOffsetMs: silent ? null : 1,
    memoryBytes: silent ? null : (90 + 22 * index) * MIB,
    checks: [{ name: "process", ok: true, problem: "" }],
    schema: silent ? null : { expected: 4, missing: [], changed: [], ahead: [] },
    outbox: silent || name === "gateway" ? null : { events: index % 3, oldestAgeMs: 0 },
    deadLetters: silent ? null : { events: 0, limit: 100 },
    disk: silent ? null : { directory: "/data", freeBytes: 41.4 * GIB, totalBytes: 100 * GIB },
    certificate: null,
  };
}

function queue(name: string, description: string, owner: Service, waiting: number | null) {
  return { name, description, service: owner, waiting };
}

function objective(
  name: string,
  promise: string,
  share: number,
  burnRate: number,
): Operations["objectives"][number] {
  const windows = (["5m", "30m", "1h", "6h", "3d"] as const).map((window, index) => ({
    window,
    events: 1_000 * (index + 1),
    bad: 10 * burnRate * (1 - share) * 100 * (index + 1),
    errorRatio: burnRate * (1 - share),
    burnRate,
    covered: index < 3 ? 1 : 0.3,
  }));
  const burning = burnRate > 14.4 ? ({ severity: "page", factor: 14.4 } as const) : null;
  return { name, promise, objective: share, burning, windows };
}

/** A job from its order to its payment, with the statements that each step makes. */
export function trace(nowMs: number): PlatformTrace {
  const spans: TraceSpan[] = [];
  const startUs = (nowMs - 90_000) * 1_000;
  const add = (
    service: Service,
    name: string,
    parent: TraceSpan | undefined,
    [fromMs, tookMs]: readonly [number, number],
    more: Partial<TraceSpan> = {},
  ): TraceSpan => {
    const span: TraceSpan = {
      spanId: `span-${spans.length}`,
      parentSpanId: parent?.spanId ?? "",
      service,
      name,
      kind: "internal",
      startUs: startUs + fromMs * 1_000,
      durationUs: tookMs * 1_000,
      failed: false,
      message: "",
      attributes: {},
      ...more,
    };
    spans.push(span);
    return span;
  };
  const request = add("gateway", "POST /v1/jobs", undefined, [0, 64], { kind: "server" });
  const call = add("gateway", "aios.compute.v1.ComputeService/PlaceJob", request, [4, 58], {
    kind: "client",
  });
  const placed = add("compute", "aios.compute.v1.ComputeService/PlaceJob", call, [6, 54], {
    kind: "server",
    attributes: { "rpc.system": "grpc", "rpc.method": "PlaceJob" },
  });
  add("compute", "postgres INSERT", placed, [20, 3], { kind: "client" });
  const fund = add("compute", "job fund", placed, [70, 40]);
  add("economy", "broadcast transaction", fund, [120, 380], { attributes: { "aios.signer": "relayer" } });
  add("economy", "index JobOpened", fund, [1_480, 30]);
  add("compute", "handle economy.v1.job.changed", fund, [1_520, 22], { kind: "consumer" });
  const release = add("compute", "job lease", placed, [1_600, 900]);
  add("storage", "aios.storage.v1.ContentKeyService/ReleaseKey", release, [1_700, 48], { kind: "server" });
  const prove = add("compute", "job prove", placed, [2_600, 9_800]);
  add("zk-prover", "zk-prover prove", prove, [2_700, 9_600]);
  add("economy", "broadcast transaction", prove, [12_500, 410], {
    failed: true,
    message: "The node did not answer; the transaction is sent again.",
  });
  add("economy", "broadcast transaction", prove, [13_000, 300]);
  add("scoring", "handle compute.v1.receipt.issued", prove, [13_700, 60], { kind: "consumer" });
  return { traceId: TRACE_ID, spans, dropped: 0, silent: [] };
}
