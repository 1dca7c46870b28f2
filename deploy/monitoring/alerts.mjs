// What is promised, and what wakes somebody. Promises are alerted on by how fast their error budget burns, over a
// long and a short window at once (Google SRE workbook, chapter 5); causes only where they need a person anyway.
import { BURN_RATES, OBJECTIVES as DEFINED } from "../../cores/service-level/dist/src/objectives.js";

const OBJECTIVE_RUNBOOKS = {
  "gateway-availability": {
    means: "Buyers and developers see 5xx answers; 503 among them say when to come again.",
    look: [
      'which operations: `sum by (operation, status) (rate(aios_gateway_request_duration_count{status=~"5.."}[5m]))`',
      "`GET /v1/platform` at the gateway names the service that does not answer, and why",
    ],
    act: [
      "503: mend the backend that is named; the gateway recovers by itself",
      "500: a bug; the log line with the answer's trace id has the stack",
    ],
  },
  "gateway-latency": {
    means: "Answers are slow. Orders take longer than reads by nature: look which operation it is.",
    look: [
      "`histogram_quantile(0.95, sum by (operation, le) (rate(aios_gateway_request_duration_bucket[5m])))`",
      "the slowest service: `histogram_quantile(0.95, sum by (method, le) (rate(aios_grpc_server_duration_bucket[5m])))`",
    ],
    act: [
      "one slow service: look at its database and its event loop (`aios_process_event_loop_delay_p99`)",
      "all of them: raise the gateway's replicas, or the node's size",
    ],
  },
  "job-success": {
    means: "Jobs are refunded or fail. No money is lost: every state has a way out.",
    look: [
      "how they end: `sum by (state, kind) (increase(aios_compute_jobs_ended_total[1h]))`",
      "why leases end: `sum by (because) (increase(aios_compute_leases_ended_total[1h]))`",
      "`aios job <id>` explains one job and its placement",
    ],
    act: [
      "providers gone: `aios_compute_providers_online`; ask their operators, or raise the cap that buyers pay",
      "results refused: `sum by (code) (increase(aios_compute_results_refused_total[1h]))` names what is wrong with them",
    ],
  },
  "event-delay": {
    means: "Services learn late what others did; jobs go on, slowly.",
    look: [
      "which topic: `histogram_quantile(0.95, sum by (topic, le) (rate(aios_events_lag_bucket[5m])))`",
      "`aios events list` shows what could not be handled",
    ],
    act: [
      "a consumer is down or slow: `aios_health_check_passing` of its pods says what it lacks",
      "Kafka: look at the broker; `aios_event_bus_lag` by topic must fall again",
    ],
  },
};

/** The objectives, whose definitions the gateway's page of operations uses too, each with its runbook. */
export const OBJECTIVES = DEFINED.map((definition) => ({
  ...definition,
  runbook: required(OBJECTIVE_RUNBOOKS, definition.name),
}));

export { BURN_RATES };

/** Causes that nobody but a person can take away. */
export const CAUSES = [
  {
    alert: "AiosServiceDown",
    expr:
      "count by (namespace, service) (max_over_time(aios_process_info[1h]))" +
      " unless on (namespace, service) count by (namespace, service) (aios_process_info)",
    for: "3m",
    severity: "page",
    summary: "No process of a service that was there within the hour answers Prometheus.",
    runbook: {
      means:
        "Calls that need the service are answered 503; with `consensus` nothing settles. One that was taken out on purpose is missed for an hour.",
      look: [
        "`kubectl get pods -l app.kubernetes.io/name=<service>`, then `kubectl describe pod` for its last reason",
        "Prometheus' own targets: whether it may still reach port 9090 of the pods (global.networkPolicy.monitoringNamespace)",
      ],
      act: [
        "mend what the pod's last sentence names; it starts again by itself",
        "no node takes it: more or larger nodes, or a smaller request",
      ],
    },
  },
  {
    alert: "AiosRestartsOften",
    expr: "max by (namespace, pod) (changes(aios_process_start_time[30m])) >= 3",
    for: "0m",
    severity: "page",
    summary: "A process was started three times again within half an hour.",
    runbook: {
      means: "Its work is taken up again each time, later and later; callers see 503 between.",
      look: [
        "why it ended: `kubectl get pod <pod> -o jsonpath='{.status.containerStatuses[0].lastState.terminated}'`",
        "`OOMKilled`: `aios_process_resident_memory` beside `aios_process_memory_limit`",
      ],
      act: ["mend what its last sentence names", "`OOMKilled`: raise its limit and NODE_OPTIONS"],
    },
  },
  {
    alert: "AiosCheckFails",
    expr: 'min by (namespace, pod, check) (aios_health_check_passing{check!~"disk|proof-queue"}) == 0',
    for: "3m",
    severity: "page",
    summary: "A backend that a process needs, or another condition of it, has failed for three minutes.",
    runbook: {
      means:
        "The process stays in service and answers 503 to what needs the backend; everything else goes on. Full disks and queues have alerts of their own.",
      look: [
        "`check` in the alert: `database`, `event-bus`, `kubo`, `chain`, `compute-link`, `checkpoint-producer` or `tls-certificate`",
        "the sentence: port 9090 of the pod, path `/health`; `aios doctor` says it with its fix",
      ],
      act: ["mend the backend; nothing has to be restarted"],
    },
  },
  {
    alert: "AiosVolumeFillsUp",
    expr:
      'min by (namespace, pod) (aios_process_disk_free{pod=~".*-(consensus|storage)-[0-9]+"} / aios_process_disk_total) < 0.1' +
      " or min by (namespace, persistentvolumeclaim) (kubelet_volume_stats_available_bytes" +
      '{persistentvolumeclaim=~"data-.*-(consensus|storage|postgres|kafka)-[0-9]+"} / kubelet_volume_stats_capacity_bytes) < 0.1',
    for: "5m",
    severity: "page",
    summary: "Less than a tenth of a volume is free.",
    runbook: {
      means:
        "A chain's node without space makes no block; a database without space takes no change, and refuses with 503.",
      look: [
        "`aios_process_disk_free` by pod; for PostgreSQL and Kafka of the release the kubelet's `kubelet_volume_stats_available_bytes`",
        "a PostgreSQL or Kafka of your own is watched by its own monitoring",
      ],
      act: [
        "enlarge the claim: `kubectl edit pvc`, where its storage class allows expansion; then set the value to the same size",
      ],
    },
  },
  {
    alert: "AiosSyntheticCheckFails",
    // Over a day: a check that is gone, or starts again and again, has not succeeded either.
    expr:
      "time() - (max by (namespace) (max_over_time(aios_synthetic_last_success_time[1d]))" +
      " or min by (namespace) (min_over_time(aios_synthetic_start_time[1d]))) > 1800",
    for: "1m",
    severity: "page",
    summary: "No proven inference of the synthetic check has succeeded for half an hour.",
    runbook: {
      means:
        "What a buyer would do now fails, from sign-in to a settled, checked proof; or nothing has tried. A check that was switched off is missed for a day: silence it.",
      look: [
        'whether it runs: `aios_process_info{service="synthetic"}`, and `kubectl describe pod` for why not',
        "why: `sum by (errorCode) (increase(aios_synthetic_runs_total[1h]))`, and the check's own log",
        "`aios doctor` names the service or backend at fault; `/operations` shows the last job's way",
      ],
      act: [
        "insufficient funds: the check buys with its own account; send it AIOS",
        "`no-model`: publish one, or name another with `--model`",
        "otherwise follow the alert of the service that doctor names",
      ],
    },
  },
  {
    alert: "AiosChainStandsStill",
    // A node that is gone makes no checkpoint: what it said last counts.
    expr:
      "max by (namespace) (last_over_time(aios_consensus_mempool_transactions[10m])) > 0" +
      " and max by (namespace) (max_over_time(aios_consensus_latest_height[10m]))" +
      " - max by (namespace) (max_over_time(aios_consensus_latest_height[10m] offset 5m)) == 0",
    for: "2m",
    severity: "page",
    summary: "Transactions wait and no checkpoint was made for five minutes.",
    runbook: {
      means: "Nothing settles: every job waits at its next chain step.",
      look: ["`aios_consensus_checkpoint_failures_total`", "the node's log around its last checkpoint"],
      act: [
        "the node is gone: see AiosServiceDown",
        "disk full: free it and restart the node",
        "otherwise restart the node; it goes on from its last whole checkpoint",
      ],
    },
  },
  {
    alert: "AiosIndexLags",
    expr: "max by (namespace) (aios_economy_head_height - aios_economy_indexed_height) > 50",
    for: "5m",
    severity: "page",
    summary: "The index of the chain is more than 50 blocks behind.",
    runbook: {
      means: "Balances, jobs and licences are shown as they were; settlements are noticed late.",
      look: [
        '"the index could not follow the chain" in economy\'s log',
        "`aios_economy_chain_problems_total`",
      ],
      act: ["the database is slow or away: mend it", "the node is away: see AiosChainStandsStill"],
    },
  },
  {
    alert: "AiosTransactionsRefused",
    expr: "sum by (namespace, signer, errorCode) (increase(aios_economy_transactions_refused_total[15m])) > 5",
    for: "0m",
    severity: "ticket",
    summary: "The chain refuses the platform's own transactions.",
    runbook: {
      means: "Steps of jobs fail for good; their money goes back to the buyers.",
      look: ["the error code in the alert; `insufficient-gas-funds` is the usual one"],
      act: [
        "send native coins to the signer named in the alert",
        "any other code: economy's runbook names it",
      ],
    },
  },
  {
    alert: "AiosNoProviders",
    expr: "max by (namespace) (aios_compute_jobs_waiting) > 0 and max by (namespace) (aios_compute_providers_online) == 0",
    for: "5m",
    severity: "page",
    summary: "Paid jobs wait and no provider is connected.",
    runbook: {
      means: "Jobs are refunded when LEASE_WITHIN has passed.",
      look: [
        "`aios_compute_link_messages_total` by direction: do providers try at all",
        "certificates and the address that providers dial",
      ],
      act: ["start providers of your own (`provider.enabled=true`)", "mend the way from outside to compute"],
    },
  },
  {
    alert: "AiosProofsQueue",
    expr: "max by (namespace) (aios_zk_prover_queued_proofs) > 100",
    for: "10m",
    severity: "ticket",
    summary: "More than 100 proofs have waited for ten minutes.",
    runbook: {
      means: "Proven results settle late; past the delivery deadline they go on chain unproven.",
      look: [
        "`histogram_quantile(0.95, sum by (le) (rate(aios_zk_prover_prove_duration_bucket[5m])))`",
        "`aios_zk_prover_queue_problems_total`",
      ],
      act: ["raise the prover's replicas, or switch on its autoscaling"],
    },
  },
  {
    alert: "AiosReceiptsNotAnchored",
    expr: "max by (namespace) (aios_scoring_receipts_not_anchored) > 500",
    for: "15m",
    severity: "ticket",
    summary: "Counted receipts have waited a quarter of an hour to be anchored.",
    runbook: {
      means: "Contribution is counted late; nothing is lost.",
      look: ["`aios_scoring_problems_total`", "the anchor account's balance"],
      act: ["economy refuses the anchor's transactions: see AiosTransactionsRefused"],
    },
  },
  {
    alert: "AiosDiskFillsUp",
    expr: "min by (namespace, pod) (aios_storage_free_disk_bytes) < 2147483648",
    for: "5m",
    severity: "page",
    summary: "Less than 2 GiB are free on the disk of the contents.",
    runbook: {
      means: "Uploads are refused below STORAGE_MIN_FREE_DISK; reads go on.",
      look: ["`sum by (category) (increase(aios_storage_bytes_in_total[1d]))`"],
      act: ["enlarge the volume (`storage.persistence.size`)"],
    },
  },
  {
    alert: "AiosOutboxStuck",
    expr: "sum by (namespace, pod) (increase(aios_outbox_failures_total[10m])) > 20",
    for: "5m",
    severity: "page",
    summary: "A service cannot hand its events to the event bus.",
    runbook: {
      means: "Events are kept in the service's database and sent, in order, when the bus is back.",
      look: [
        "the service's log: the reason stands with each failure",
        "the broker or the database of the event log",
      ],
      act: ["mend the bus; nothing has to be replayed"],
    },
  },
  {
    alert: "AiosMemoryNearLimit",
    expr: "max by (namespace, pod) (aios_process_resident_memory / aios_process_memory_limit) > 0.9",
    for: "15m",
    severity: "ticket",
    summary: "A process holds more than nine tenths of the memory that it may take.",
    runbook: {
      means: "It will be ended by its limit; its work is taken up again, but callers wait.",
      look: ["`aios_process_heap_used` beside it: heap or buffers"],
      act: [
        "raise its limit, and the heap in NODE_OPTIONS",
        "where it grows on: `--heapsnapshot-near-heap-limit=1 --diagnostic-dir=/data` in NODE_OPTIONS writes what holds the memory",
      ],
    },
  },
  {
    alert: "AiosCertificateNotRenewed",
    expr: "min by (namespace, pod) (aios_tls_certificate_remaining) < 864000",
    for: "1h",
    severity: "ticket",
    summary: "A service's certificate has less than ten days left; it should have been renewed at twenty.",
    runbook: {
      means:
        "When it expires, the service is not ready and its peers refuse it. Until then nothing is wrong.",
      look: [
        "`kubectl get cronjob,job` with `certificate-renewal` in the name, and the last one's log; with cert-manager, `kubectl describe certificate`",
        "the service's log: `the certificate files are not good` says what it refused to take up",
        "what was taken up and refused: `sum by (pod, outcome) (increase(aios_tls_reloads_total[1d]))`",
      ],
      act: [
        "renew now: `kubectl create job --from=cronjob/<release>-certificate-renewal renew-now`",
        "`authority-expires`: delete the Secret `<release>-tls-authority` and upgrade; every service restarts",
      ],
    },
  },
];

function required(runbooks, name) {
  const runbook = runbooks[name];
  if (runbook === undefined) throw new Error(`the objective ${name} has no runbook`);
  return runbook;
}
