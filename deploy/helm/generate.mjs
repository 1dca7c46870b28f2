// Writes the chart of every service from one source: the settings that the service itself reads, the edges that
// docs/ARCHITECTURE.md allows, and services.mjs. `--check` changes nothing and fails where a file differs.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { stringify } from "yaml";
import { topics } from "../../packages/proto/dist/src/topics.js";
import { serviceValues, umbrellaSchema, umbrellaValues, valuesPage } from "./chart-values.mjs";
import { kafkaPage } from "./kafka-page.mjs";
import { DRAIN_GRACE, JSON_RPC, SERVICES } from "./services.mjs";

const folder = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(folder));
/** Between the pods of consensus, where there are several; `aios-cluster set-up` tells them of it. */
const HONOR_PEER_PORT = 30_400;
const check = process.argv.includes("--check");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const allowed = allowedEdges();
const settings = Object.fromEntries(
  await Promise.all(
    Object.entries(SERVICES).map(async ([name, entry]) => [name, await settingsOf(name, entry)]),
  ),
);
const calls = Object.fromEntries(Object.keys(SERVICES).map((name) => [name, callsOf(name)]));
const differing = [];
/** The one template of a service's chart. */
const ALL = `{{- include "aios.service" (dict "root" . "service" (.Files.Get "service.yaml" | fromYaml)) }}\n`;

for (const name of Object.keys(SERVICES)) writeChart(name);
writeUmbrella();
if (check && differing.length > 0) {
  console.error(`${differing.join("\n")}\nThe charts are out of date: run node deploy/helm/generate.mjs`);
  process.exit(1);
}
console.log(`${Object.keys(SERVICES).length} charts match the services' settings and docs/ARCHITECTURE.md`);

function writeChart(name) {
  const entry = SERVICES[name];
  const chart = join(folder, "aios", "charts", name);
  const facts = factsOf(name, entry);
  const own = ownSettings(name, facts);
  const { yaml, schema } = serviceValues(name, entry, own);
  put(join(chart, "Chart.yaml"), generated(chartOf(name, entry.description, "application")));
  put(join(chart, "service.yaml"), generated(facts));
  put(join(chart, "values.yaml"), yaml);
  put(join(chart, "values.schema.json"), `${JSON.stringify(schema, null, 2)}\n`);
  put(join(chart, "templates", "all.yaml"), ALL);
}

function chartOf(name, description, type) {
  return { apiVersion: "v2", name, description, type, version, appVersion: version };
}

function generated(value) {
  return `# Written by deploy/helm/generate.mjs.\n${stringify(value, { lineWidth: 118 })}`;
}

/** All that the library's templates need to know of one service. */
function factsOf(name, entry) {
  const definition = settings[name];
  const has = (setting) => definition[setting] !== undefined;
  return {
    name,
    workload: entry.workload,
    single: entry.single === true,
    identity: has("AIOS_SERVICE_KEY_FILE"),
    callable: name !== "provider",
    public: entry.public === true,
    persistent: entry.persistent !== undefined,
    database: has("DATABASE_URL"),
    events: has("EVENT_BUS_URL"),
    redis: has("REDIS_URL"),
    kubo: has("KUBO_RPC_URL"),
    chain: has("CHAIN_RPC_URL"),
    keyPerPod: entry.keyPerPod === true,
    ports: entry.ports,
    ...(entry.providers === undefined ? {} : { providers: entry.providers }),
    keys: entry.keys ?? [],
    env: {
      NODE_OPTIONS: `--max-old-space-size=${entry.heapMiB}`,
      AIOS_DRAIN_GRACE: entry.drainGrace ?? DRAIN_GRACE,
      ...entry.env,
    },
    shared: entry.shared ?? [],
    ...(entry.powers === true ? { powers: true } : {}),
    peers: peersOf(name).map((peer) => ({
      setting: `${peer.toUpperCase().replaceAll("-", "_")}_GRPC_URL`,
      service: peer,
      port: SERVICES[peer].ports.grpc,
    })),
    calls: calls[name],
    callers: Object.keys(SERVICES).flatMap((caller) =>
      calls[caller].filter(({ service }) => service === name).map(({ port }) => ({ service: caller, port })),
    ),
    open: entry.open ?? [],
    ...(entry.honor === true ? { honor: true, peerPort: HONOR_PEER_PORT } : {}),
    ...(entry.queue === undefined ? {} : { queueQuery: entry.queue.query }),
    ...(entry.lag === undefined ? {} : { hears: topicsHeardBy(name) }),
  };
}

function peersOf(name) {
  return Object.keys(SERVICES).filter(
    (peer) => settings[name][`${peer.toUpperCase().replaceAll("-", "_")}_GRPC_URL`] !== undefined,
  );
}

/** Edges of one process; gRPC ones must be allowed by the matrix. A provider is told storage's address by compute. */
function callsOf(name) {
  const told = name === "provider" ? ["storage"] : [];
  const grpc = [...peersOf(name), ...told].map((service) => ({
    service,
    port: SERVICES[service].ports.grpc,
  }));
  for (const { service } of grpc) {
    if (allowed.has(`${name} → ${service}`)) continue;
    throw new Error(
      `${name} has an address of ${service}, but docs/ARCHITECTURE.md lets it call nothing there`,
    );
  }
  const chain = settings[name].CHAIN_RPC_URL === undefined ? [] : [{ service: "consensus", port: JSON_RPC }];
  return [...grpc, ...chain];
}

function architecture() {
  return readFileSync(join(root, "docs", "ARCHITECTURE.md"), "utf8");
}

/** The matrix of events: who publishes and who hears each topic. */
function eventRows() {
  const rows = architecture().matchAll(/^\| `([\w.-]+)` \| ([\w-]+) \| ([\w, -]+) \|$/gm);
  return [...rows].map(([, topic, publisher, heard]) => ({ topic, publisher, heard: heard.split(", ") }));
}

function topicsHeardBy(name) {
  const heard = eventRows().filter((row) => row.heard.includes(name));
  if (heard.length === 0) throw new Error(`docs/ARCHITECTURE.md has no events that ${name} hears`);
  return heard.map(({ topic }) => topic);
}

function allowedEdges() {
  const page = architecture();
  const edges = new Set();
  for (const [, owner, callers] of page.matchAll(/^\| ([\w-]+) \| `\w+` \| (.*) \|$/gm)) {
    for (const caller of callers.split("<br>")) edges.add(`${caller.split(":")[0].trim()} → ${owner}`);
  }
  if (edges.size === 0) throw new Error("docs/ARCHITECTURE.md has no matrix of callers");
  return edges;
}

/** The definition that the service itself loads: setting by name. */
async function settingsOf(name, { workspace = `services/${name}` }) {
  const module = await import(pathToFileURL(join(root, workspace, "dist", "src", "config.js")).href);
  const found = Object.values(module).find((value) => value?.AIOS_DATA_DIR !== undefined);
  if (found === undefined) throw new Error(`${workspace}/src/config.ts exports no settings`);
  return found;
}

/** Settings that the operator may choose: all but those that follow from the cluster. */
function ownSettings(name, facts) {
  const decided = new Set([
    ...Object.keys(facts.env),
    ...facts.shared,
    ...(facts.powers === true ? ["PROVER_HONK_POWERS_FILE", "PROVER_HONK_POWERS_SHA256"] : []),
    ...facts.peers.map(({ setting }) => setting),
    ...["AIOS_GRPC_LISTEN", "AIOS_HEALTH_LISTEN", "AIOS_SERVICE_KEY_FILE", "AIOS_TRUST_BUNDLE_FILE"],
    ...[
      "AIOS_DATA_DIR",
      "AIOS_VERSION",
      "AIOS_MIGRATIONS",
      "DATABASE_URL",
      "EVENT_BUS_URL",
      "REDIS_URL",
      "KUBO_RPC_URL",
      "CHAIN_RPC_URL",
    ],
    ...["OTEL_EXPORTER_OTLP_ENDPOINT", "DEMO_BUYER_KEY_FILE", "GATEWAY_LOOPBACK_OPERATOR"],
    ...["AIOS_TLS_CERT_FILE", "AIOS_TLS_KEY_FILE", "AIOS_TLS_CA_FILE"],
    ...["AIOS_GRPC_PROVIDER_LISTEN", "PROVIDER_TLS_CA_FILE"],
  ]);
  return Object.entries(settings[name])
    .filter(([setting, { secret }]) => !decided.has(setting) && secret !== true)
    .map(([setting, { description, default: initial }]) => ({ setting, description, initial }));
}

function writeUmbrella() {
  const chart = join(folder, "aios");
  const dependencies = ["aios-lib", ...Object.keys(SERVICES)].map((name) => ({
    name,
    version,
    ...(SERVICES[name] === undefined ? {} : { condition: `${name}.enabled` }),
  }));
  const description = "AiOS: an operating system for decentralised AI.";
  put(
    join(chart, "Chart.yaml"),
    generated({
      ...chartOf("aios", description, "application"),
      kubeVersion: ">=1.30.0-0",
      dependencies,
    }),
  );
  put(join(chart, "values.yaml"), umbrellaValues(SERVICES));
  put(join(chart, "values.schema.json"), `${JSON.stringify(umbrellaSchema(SERVICES), null, 2)}\n`);
  put(
    join(root, "docs", "operators", "kafka.md"),
    kafkaPage(Object.values(topics), eventRows(), Object.keys(SERVICES)),
  );
  put(join(root, "docs", "operators", "values.md"), valuesPage(SERVICES, ownSettings, factsOf));
}

function put(file, content) {
  if (existsSync(file) && readFileSync(file, "utf8") === content) return;
  if (check) return void differing.push(relative(root, file));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}
