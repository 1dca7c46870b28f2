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

const CAUSE_SERIES = {
  AiosSyntheticCheckFails: [["aios_synthetic_start_time", constant(0)]],
  AiosChainStandsStill: [
    ["aios_consensus_mempool_transactions", constant(5)],
    ["aios_consensus_latest_height", constant(100)],
  ],
  AiosIndexLags: [
    ["aios_economy_head_height", constant(100)],
    ["aios_economy_indexed_height", constant(10)],
  ],
  AiosTransactionsRefused: [
    [
      `aios_economy_transactions_refused_total{signer="relayer",errorCode="insufficient-gas-funds"}`,
      "0+1x600",
    ],
  ],
  AiosNoProviders: [
    ["aios_compute_jobs_waiting", constant(3)],
    ["aios_compute_providers_online", constant(0)],
  ],
  AiosProofsQueue: [["aios_zk_prover_queued_proofs", constant(101)]],
  AiosReceiptsNotAnchored: [["aios_scoring_receipts_not_anchored", constant(501)]],
  AiosDiskFillsUp: [[`aios_storage_free_disk_bytes{pod="aios-storage-0"}`, constant(1000)]],
  AiosOutboxStuck: [[`aios_outbox_failures_total{pod="aios-economy-1"}`, "0+5x600"]],
  AiosMemoryNearLimit: [[`aios_process_resident_memory{pod="aios-consensus-0"}`, constant(2_100_000_000)]],
  AiosCertificateNotRenewed: [[`aios_tls_certificate_remaining{pod="aios-gateway-0"}`, constant(800_000)]],
};

export function ruleTests() {
  return {
    rule_files: ["rules.yaml"],
    evaluation_interval: "1m",
    tests: [...OBJECTIVES.flatMap(objectiveTests), ...CAUSES.map(causeTest)],
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

function causeTest({ alert }) {
  return {
    name: `${alert} fires`,
    interval: "1m",
    input_series: CAUSE_SERIES[alert].map(([series, values]) => ({ series, values })),
    promql_expr_test: [
      {
        expr: `count(ALERTS{alertname="${alert}",alertstate="firing"})`,
        eval_time: "2h",
        exp_samples: [{ labels: "{}", value: 1 }],
      },
    ],
  };
}
