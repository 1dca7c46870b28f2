// Grafana dashboards: one per service with a panel for each metric that it declares, one of the whole.
import { OBJECTIVES } from "./alerts.mjs";
import { errorRatio } from "./rules.mjs";

const WIDTH = 8;
const HEIGHT = 7;
const UNITS = { ms: "ms", By: "bytes", s: "s" };

/** @returns {ReadonlyMap<string, object>} dashboards by file name */
export function dashboards(declared) {
  const services = [...new Set(declared.map(({ service }) => service))].filter(
    (name) => name !== "every service",
  );
  const shared = declared.filter(({ service }) => service === "every service");
  return new Map([
    ["overview.json", dashboard("aios-overview", "AiOS", overview())],
    ...services.map((service) => {
      const own = declared.filter((metric) => metric.service === service).map((metric) => panelOf(metric));
      const common = shared.map((metric) => panelOf(metric, `{pod=~".*-${service}-.*"}`));
      return [`${service}.json`, dashboard(`aios-${service}`, `AiOS / ${service}`, [...own, ...common])];
    }),
  ]);
}

function overview() {
  const budget = OBJECTIVES.map(({ name, promise, objective }) =>
    panel(`${name}: ${objective * 100}% of ${promise}`, "percentunit", [
      { expr: `1 - ${errorRatio("1h")}{slo="${name}"}`, legendFormat: "{{namespace}} last hour" },
      { expr: `1 - ${errorRatio("3d")}{slo="${name}"}`, legendFormat: "{{namespace}} last three days" },
    ]),
  );
  const load = [
    [
      "Answers of the gateway, per second by status",
      "reqps",
      "sum by (status) (rate(aios_gateway_request_duration_count[5m]))",
      "{{status}}",
    ],
    [
      "Jobs that ended, per minute by state",
      "short",
      "60 * sum by (state) (rate(aios_compute_jobs_ended_total[5m]))",
      "{{state}}",
    ],
    [
      "Request to settlement, p95 by kind",
      "ms",
      "histogram_quantile(0.95, sum by (kind, le) (rate(aios_compute_job_duration_bucket[5m])))",
      "{{kind}}",
    ],
    ["Providers online", "short", "max(aios_compute_providers_online)", "providers"],
    ["Jobs waiting for a provider", "short", "max(aios_compute_jobs_waiting)", "jobs"],
    ["Proofs waiting", "short", "max(aios_zk_prover_queued_proofs)", "proofs"],
    [
      "Delay of events, p95 by topic",
      "ms",
      "histogram_quantile(0.95, sum by (topic, le) (rate(aios_events_lag_bucket[5m])))",
      "{{topic}}",
    ],
    ["Height: latest and final", "short", "max(aios_consensus_latest_height)", "latest"],
    ["Memory by process", "bytes", "max by (pod) (aios_process_resident_memory)", "{{pod}}"],
  ].map(([title, unit, expr, legendFormat]) => panel(title, unit, [{ expr, legendFormat }]));
  return [...budget, ...load];
}

function panelOf({ name, kind, description, unit, labels }, selector = "") {
  const title = `${description[0].toUpperCase()}${description.slice(1)}`;
  const by = labels[0];
  const legend = by === undefined ? "{{pod}}" : `{{${by}}}`;
  const grouped = by ?? "pod";
  if (kind === "histogram") {
    const quantile = (q) => ({
      expr: `histogram_quantile(${q}, sum by (${grouped}, le) (rate(${name}_bucket${selector}[5m])))`,
      legendFormat: `p${q * 100} ${legend}`,
    });
    return panel(title, UNITS[unit] ?? "short", [quantile(0.5), quantile(0.95)]);
  }
  if (kind === "counter") {
    const expr = `sum by (${grouped}) (rate(${name}_total${selector}[5m]))`;
    return panel(`${title}, per second`, unit === "By" ? "Bps" : "short", [{ expr, legendFormat: legend }]);
  }
  return panel(title, UNITS[unit] ?? "short", [
    { expr: `sum by (${grouped}) (${name}${selector})`, legendFormat: legend },
  ]);
}

function panel(title, unit, targets) {
  return {
    type: "timeseries",
    title,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana puts the chosen data source in.
    datasource: { type: "prometheus", uid: "${datasource}" },
    fieldConfig: { defaults: { unit, min: 0, custom: { fillOpacity: 8, lineWidth: 1 } }, overrides: [] },
    options: { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi" } },
    targets: targets.map((target, index) => ({ refId: String.fromCharCode(65 + index), ...target })),
  };
}

function dashboard(uid, title, panels) {
  return {
    uid,
    title,
    tags: ["aios"],
    schemaVersion: 39,
    refresh: "30s",
    time: { from: "now-3h", to: "now" },
    templating: {
      list: [{ name: "datasource", type: "datasource", query: "prometheus", label: "Prometheus" }],
    },
    panels: panels.map((content, index) => ({
      id: index + 1,
      gridPos: { x: (index % 3) * WIDTH, y: Math.floor(index / 3) * HEIGHT, w: WIDTH, h: HEIGHT },
      ...content,
    })),
  };
}
