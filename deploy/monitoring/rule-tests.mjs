// `promtool test rules`: each alert fires on what it is there for, and none does when all is well.
import { BURN_RATES, CAUSES, OBJECTIVES } from "./alerts.mjs";
import { burnAlertName } from "./rules.mjs";

/** Series that make an objective fail wholly: every event is a bad one. */
const BROKEN = {
  "gateway-availability": [`aios_gateway_request_duration_count{status="503"}`],
  "gateway-latency": [`aios_gateway_request_duration_count{status="200"}`],
  "job-success": [`aios_compute_jobs_ended_total{state="refunded"}`],
  "event-delay": ["aios_events_lag_count"],
};

/** Series in which an objective is kept: every event is a good one. */
const KEPT = {
  "gateway-availability": [`aios_gateway_request_duration_count{status="200"}`],
  "gateway-latency": [
    `aios_gateway_request_duration_count{status="200"}`,
    `aios_gateway_request_duration_bucket{le="1000"}`,
  ],
  "job-success": [`aios_compute_jobs_ended_total{state="settled"}`],
  "event-delay": ["aios_events_lag_count", `aios_events_lag_bucket{le="5000"}`],
};

/** Long enough for every window and pending time: a rate over three days is known from what there is of them. */
const LASTS = "10h";
const RISING = "0+60x700";
const constant = (value) => `${value}+0x600`;

/** There for an hour, then gone; `_` is no sample. */
const gone = (value) => `${value}+0x60 _x540`;

/** In each: what makes the alert fire, and what must not. */
const CAUSE_SERIES = {
  AiosServiceDown: {
    fires: [["aios_process_info", { service: "consensus", pod: "aios-consensus-0" }, gone(1)]],
    at: "90m",
    // One of two pods is gone.
    quiet: [
      ["aios_process_info", { service: "gateway", pod: "aios-gateway-1" }, gone(1)],
      ["aios_process_info", { service: "gateway", pod: "aios-gateway-2" }, constant(1)],
    ],
  },
  AiosRestartsOften: {
    fires: [
      ["aios_process_start_time", { pod: "aios-compute-1" }, "0+0x9 600+0x9 1200+0x9 1800+0x9 2400+0x600"],
    ],
    quiet: [["aios_process_start_time", { pod: "aios-compute-1" }, "0+0x20 6000+0x600"]],
  },
  AiosCheckFails: {
    fires: [["aios_health_check_passing", { pod: "aios-compute-1", check: "database" }, constant(0)]],
    quiet: [
      ["aios_health_check_passing", { pod: "aios-compute-1", check: "database" }, constant(1)],
      ["aios_health_check_passing", { pod: "aios-zk-prover-1", check: "proof-queue" }, constant(0)],
    ],
  },
  AiosVolumeFillsUp: {
    fires: [
      [
        "kubelet_volume_stats_available_bytes",
        { persistentvolumeclaim: "data-aios-postgres-0" },
        constant(9),
      ],
      [
        "kubelet_volume_stats_capacity_bytes",
        { persistentvolumeclaim: "data-aios-postgres-0" },
        constant(100),
      ],
    ],
    quiet: [
      ["aios_process_disk_free", { pod: "aios-consensus-0" }, constant(11)],
      ["aios_process_disk_total", { pod: "aios-consensus-0" }, constant(100)],
      // A disk of somebody else's.
      ["kubelet_volume_stats_available_bytes", { persistentvolumeclaim: "data-shop-0" }, constant(1)],
      ["kubelet_volume_stats_capacity_bytes", { persistentvolumeclaim: "data-shop-0" }, constant(100)],
    ],
  },
  AiosSyntheticCheckFails: {
    // It succeeds once, and then its pod is started again and again.
    fires: [
      ["aios_synthetic_start_time", {}, "0+60x600"],
      ["aios_synthetic_last_success_time", {}, gone(0)],
    ],
    at: "2h",
    quiet: [
      ["aios_synthetic_start_time", {}, constant(0)],
      ["aios_synthetic_last_success_time", {}, "0+60x600"],
    ],
  },
  AiosChainStandsStill: {
    // The node is gone for some minutes, with transactions in it.
    fires: [
      ["aios_consensus_mempool_transactions", {}, "5+0x113 _x480"],
      ["aios_consensus_latest_height", {}, "100+0x113 _x480"],
    ],
    at: "2h",
    quiet: [
      // Busy here; there the last transaction was taken in, and nothing has come since.
      ["aios_consensus_mempool_transactions", {}, constant(5)],
      ["aios_consensus_latest_height", {}, "100+1x600"],
      ["aios_consensus_mempool_transactions", { namespace: "trial" }, "5+0x112 0+0x480"],
      ["aios_consensus_latest_height", { namespace: "trial" }, "100+0x112 101+0x480"],
    ],
  },
  AiosIndexLags: {
    fires: [
      ["aios_economy_head_height", {}, constant(100)],
      ["aios_economy_indexed_height", {}, constant(10)],
    ],
    quiet: [
      ["aios_economy_head_height", {}, constant(100)],
      ["aios_economy_indexed_height", {}, constant(90)],
    ],
  },
  AiosTransactionsRefused: {
    fires: [
      [
        "aios_economy_transactions_refused_total",
        { signer: "relayer", errorCode: "insufficient-gas-funds" },
        "0+1x600",
      ],
    ],
    quiet: [
      [
        "aios_economy_transactions_refused_total",
        { signer: "relayer", errorCode: "insufficient-gas-funds" },
        constant(7),
      ],
    ],
  },
  AiosNoProviders: {
    fires: [
      ["aios_compute_jobs_waiting", {}, constant(3)],
      ["aios_compute_providers_online", {}, constant(0)],
    ],
    quiet: [
      ["aios_compute_jobs_waiting", {}, constant(3)],
      ["aios_compute_providers_online", {}, constant(1)],
      // Another installation has no providers, and no jobs either.
      ["aios_compute_jobs_waiting", { namespace: "trial" }, constant(0)],
      ["aios_compute_providers_online", { namespace: "trial" }, constant(0)],
    ],
  },
  AiosProofsQueue: {
    fires: [["aios_zk_prover_queued_proofs", {}, constant(101)]],
    quiet: [["aios_zk_prover_queued_proofs", {}, constant(100)]],
  },
  AiosReceiptsNotAnchored: {
    fires: [["aios_scoring_receipts_not_anchored", {}, constant(501)]],
    quiet: [["aios_scoring_receipts_not_anchored", {}, constant(500)]],
  },
  AiosDiskFillsUp: {
    fires: [["aios_storage_free_disk_bytes", { pod: "aios-storage-0" }, constant(1000)]],
    quiet: [["aios_storage_free_disk_bytes", { pod: "aios-storage-0" }, constant(3e9)]],
  },
  AiosOutboxStuck: {
    fires: [["aios_outbox_failures_total", { pod: "aios-economy-1" }, "0+5x600"]],
    quiet: [["aios_outbox_failures_total", { pod: "aios-economy-1" }, constant(50)]],
  },
  AiosMemoryNearLimit: {
    fires: memoryOf(640),
    quiet: memoryOf(500),
  },
  AiosCertificateNotRenewed: {
    fires: [["aios_tls_certificate_remaining", { pod: "aios-gateway-0" }, constant(800_000)]],
    at: "90m",
    quiet: [["aios_tls_certificate_remaining", { pod: "aios-gateway-0" }, constant(900_000)]],
  },
};

function memoryOf(held) {
  const pod = "aios-consensus-0";
  return [
    ["aios_process_resident_memory", { pod }, constant(held)],
    ["aios_process_memory_limit", { pod }, constant(704)],
  ];
}

export function ruleTests() {
  return {
    rule_files: ["rules.yaml"],
    evaluation_interval: "1m",
    tests: [...OBJECTIVES.flatMap(objectiveTests), ...CAUSES.flatMap(causeTests)],
  };
}

function objectiveTests({ name }) {
  const alerts = BURN_RATES.map(({ long }) => burnAlertName(name, long));
  const test = (what, series, fires) => ({
    name: `${name}: ${what}`,
    interval: "1m",
    input_series: series.map((metric) => ({ series: metric, values: RISING })),
    promql_expr_test: alerts.map((alert) => ({
      expr: `count(ALERTS{alertname="${alert}",alertstate="firing"})`,
      eval_time: LASTS,
      exp_samples: fires ? [{ labels: "{}", value: 1 }] : [],
    })),
  });
  return [
    test("every alert fires when nothing is good", BROKEN[name], true),
    test("all is quiet when it is kept", KEPT[name], false),
  ];
}

function causeTests({ alert }) {
  const { fires, quiet, at = "45m" } = CAUSE_SERIES[alert];
  const test = (what, series, count) => ({
    name: `${alert} ${what}`,
    interval: "1m",
    input_series: series.map(([name, labels, values]) => ({ series: named(name, labels), values })),
    promql_expr_test: [
      {
        expr: `count(ALERTS{alertname="${alert}",alertstate="firing"})`,
        eval_time: at,
        exp_samples: count === 0 ? [] : [{ labels: "{}", value: count }],
      },
    ],
  });
  // Two installations that Prometheus both watches are told apart.
  const elsewhere = fires.map(([name, labels, values]) => [name, { ...labels, namespace: "other" }, values]);
  return [test("fires for each installation", [...fires, ...elsewhere], 2), test("is quiet", quiet, 0)];
}

function named(name, labels) {
  const pairs = Object.entries({ namespace: "aios", ...labels }).map(
    ([label, value]) => `${label}="${value}"`,
  );
  return `${name}{${pairs.join(",")}}`;
}
