// The values of all charts: each key once, with its description, type and default. From here come values.yaml,
// values.schema.json (unknown keys fail) and the operators' page.
import { stringify } from "yaml";

const text = (description, initial = "") => ({ type: "string", description, default: initial });
const flag = (description, initial) => ({ type: "boolean", description, default: initial });
const whole = (description, initial, minimum, maximum) => ({
  ...{ type: "integer", description, default: initial, minimum },
  ...(maximum === undefined ? {} : { maximum }),
});
const list = (description, initial = []) => ({
  type: "array",
  items: { type: "string" },
  description,
  default: initial,
});
const free = (description, initial) => ({
  type: Array.isArray(initial) ? "array" : "object",
  description,
  default: initial,
});
const CIDR = "^[0-9a-fA-F.:]+/[0-9]{1,3}$";
const group = (description, properties) => ({
  type: "object",
  additionalProperties: false,
  description,
  properties,
});
const quantity = (description, initial) => ({
  ...text(description, initial),
  pattern: "^[0-9]+(\\.[0-9]+)?(m|k|[MGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?$",
});

/** Where packets may go, or come from: a range of addresses at one port. */
const addresses = (description, initial = []) => ({
  type: "array",
  items: {
    type: "object",
    additionalProperties: false,
    required: ["cidr", "port"],
    properties: {
      cidr: { type: "string", pattern: CIDR },
      port: { type: "integer", minimum: 1, maximum: 65_535 },
    },
  },
  description,
  default: initial,
});
const anywhere = (port) => [{ cidr: "0.0.0.0/0", port }];
const cidrs = (description) => ({
  ...list(description),
  items: { type: "string", pattern: CIDR },
});
/** Which nodes a server of the release itself may run on. */
const placed = () => ({
  nodeSelector: free("labels of the nodes that the bundled server may run on", {}),
  tolerations: free("taints that the bundled server tolerates", []),
  priorityClassName: text("priority class of the bundled server"),
});

/** Shared by all charts, under `global`. */
export const GLOBAL = group("what all services share", {
  image: group("where the images are", {
    registry: { ...text("first part of every image's name", "aios"), minLength: 1 },
    tag: text("tag of every image; empty: the chart's version"),
    pullPolicy: {
      ...text("Kubernetes' imagePullPolicy", "IfNotPresent"),
      enum: ["Always", "IfNotPresent", "Never"],
    },
    pullSecrets: list("names of Secrets for the registry"),
  }),
  network: group("keys, genesis and addresses of this AiOS network", {
    setUp: flag(
      "make them with a Job when they are not there; otherwise the operator brings both objects",
      true,
    ),
    secretName: text("Secret with all private keys", "aios-network"),
    configMapName: text("ConfigMap with genesis, public keys and addresses", "aios-network"),
    honorNodes: {
      type: "integer",
      description:
        "nodes that make and finalise the chain of a new network, each a pod of consensus: 1 alone, or 4, 6, 9, … that go on while less than a third is lost; never changed later",
      default: 1,
      enum: [1, 4, 6, 9, 12, 15, 18, 21],
    },
  }),
  database: group("PostgreSQL", {
    bundled: flag("run one PostgreSQL in this release; otherwise the operator brings a server", false),
    secretName: text(
      "Secret with a connection URL by service name (and `events` for the embedded event log)",
      "aios-databases",
    ),
    image: text("image of the bundled server", "postgres:18"),
    storageSize: quantity("disk of the bundled server", "20Gi"),
    storageClassName: text("storage class of its disk; empty: the cluster's default"),
    memory: quantity("memory that the bundled server is given", "512Mi"),
    ...placed(),
  }),
  eventBus: group("where events go", {
    bundled: flag(
      "run one Kafka in this release, for clusters that have none; where false, the URL in the Secret names a Kafka of the operator's, or the database",
      false,
    ),
    secretName: text("Secret with the URL: kafka://host:port,… or postgres://…", "aios-databases"),
    secretKey: text("its key", "events"),
    image: text("image of the bundled Kafka", "apache/kafka:4.3.1"),
    storageSize: quantity("disk of the bundled Kafka", "20Gi"),
    storageClassName: text("storage class of its disk; empty: the cluster's default"),
    memory: quantity("memory that the bundled Kafka is given; half of it is its heap", "1Gi"),
    ...placed(),
  }),
  redis: group("limits and locks over all replicas", {
    bundled: flag("run one Redis in this release; it keeps nothing that a restart may not lose", false),
    secretName: text("Secret with redis://…; empty: each gateway replica counts by itself"),
    secretKey: text("its key", "url"),
    image: text("image of the bundled Redis", "redis:7.2"),
    memory: quantity("memory that the bundled Redis is given", "128Mi"),
    ...placed(),
  }),
  kubo: group("IPFS node that holds the contents", {
    secretName: text("Secret with the URL of Kubo's RPC; empty: storage holds them itself"),
    secretKey: text("its key", "url"),
  }),
  honkPowers: group(
    "powers of tau under which UltraHonk proofs are made and verified: the contracts' deployment and the prover read this one file",
    {
      claimName: text(
        "PersistentVolumeClaim that holds it and that many pods may read; empty: the development string, under which everybody can forge",
      ),
      file: {
        ...text("its path there, snarkjs' format", "powers.ptau"),
        pattern: "^[A-Za-z0-9][A-Za-z0-9._/-]*$",
      },
      sha256: {
        ...text("its SHA-256 in hex, compared with what its ceremony published; needed with claimName"),
        pattern: "^([0-9a-f]{64})?$",
      },
    },
  ),
  preflight: flag(
    "before anything is made, ask the cluster for the Secrets, the storage class and the nodes that the release needs; whoever installs must be allowed to read them",
    true,
  ),
  tls: group("TLS with client certificates between services", {
    enabled: flag(
      "each service gets a Secret <release>-tls-<service>, and takes no call without a certificate",
      false,
    ),
    issuer: {
      ...text(
        "who makes the certificates: a Job of this release that renews them daily, or cert-manager",
        "own",
      ),
      enum: ["own", "cert-manager"],
    },
    issuerRef: group("cert-manager's issuer", {
      name: text("its name", "aios"),
      kind: { ...text("its kind", "Issuer"), enum: ["Issuer", "ClusterIssuer"] },
    }),
    hosts: list("further host names that providers dial compute and storage by"),
  }),
  telemetry: group("OpenTelemetry", { otlpEndpoint: text("OTLP/HTTP collector; empty: none") }),
  monitoring: group("Prometheus and Grafana", {
    rules: flag("install recording rules and alerts as a PrometheusRule; needs its operator", false),
    podMonitor: flag(
      "have the Prometheus Operator scrape every pod, by a PodMonitor; without it, the pods' prometheus.io annotations say where",
      false,
    ),
    labels: free("labels of both, by which the operator's Prometheus selects them", {}),
    dashboards: flag("install the dashboards as ConfigMaps that Grafana's sidecar finds", false),
  }),
  synthetic: group("a check that does what a buyer would, again and again; each run is paid for", {
    enabled: flag("run it, and export its success to Prometheus", false),
    every: { ...text("from the start of a run to the next", "5m"), pattern: "^[0-9]+(s|m|h)$" },
    account: text("the network's account that buys", "business"),
  }),
  networkPolicy: group("who may talk to whom", {
    enabled: flag("deny everything but the edges of the architecture", true),
    monitoringNamespace: text("namespace that may read metrics", "monitoring"),
    providerCidrs: cidrs(
      "addresses of providers outside this release, who dial compute and storage; empty: only those of the release",
    ),
    backends: group("servers outside this release that services may reach", {
      database: addresses("PostgreSQL, where it is not bundled", anywhere(5_432)),
      eventBus: addresses("Kafka", anywhere(9_092)),
      redis: addresses("Redis", anywhere(6_379)),
      kubo: addresses("Kubo's RPC", anywhere(5_001)),
    }),
    collector: addresses("the collector of telemetry; needed with global.telemetry.otlpEndpoint"),
  }),
});

/** Of one service's chart: schema and commented YAML. */
export function serviceValues(name, entry, own) {
  const properties = serviceProperties(name, entry, own);
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: `Values of ${name}`,
    type: "object",
    additionalProperties: false,
    properties: { ...properties, global: GLOBAL },
  };
  return { schema, yaml: commented(`${name}: ${entry.description}`, properties) };
}

function serviceProperties(name, entry, own) {
  const replicas = entry.single
    ? { ...whole("this service runs as one process", 1, 0, 1) }
    : whole("pods, where nothing scales them", entry.replicas, 0, entry.maximumReplicas);
  return {
    enabled: flag("install this service", name !== "provider"),
    replicas,
    ...(entry.public ? { service: publicService(), hosts: hosts() } : {}),
    ...(entry.providers ? { providerService: providerService() } : {}),
    ...(entry.scales ? { autoscaling: autoscaling(entry.scales) } : {}),
    ...(entry.queue ? { keda: keda(entry) } : {}),
    ...(entry.lag ? { keda: kedaByLag(entry) } : {}),
    ...(entry.persistent ? { persistence: persistence(entry.persistent) } : {}),
    resources: free(
      "requests and limits, measured; the limit of memory follows NODE_OPTIONS",
      entry.resources,
    ),
    ...(entry.gpu
      ? { image: text("its image's name; provider-gpu has TensorFlow for NVIDIA GPUs", "provider") }
      : {}),
    nodeSelector: free("labels of the nodes that it may run on", {}),
    tolerations: free("taints that it tolerates, for example of GPU nodes", []),
    priorityClassName: text("priority class of its pods"),
    podAnnotations: free("annotations of its pods", {}),
    settings: group(
      "the service's own settings, as its --help lists them; empty: its default",
      settingsOf(own),
    ),
  };
}

const publicService = () =>
  group("the address for the world", {
    type: { ...text("type of the Service", "ClusterIP"), enum: ["ClusterIP", "NodePort", "LoadBalancer"] },
    externalTrafficPolicy: {
      ...text(
        "Local: callers are counted by their own addresses, and only nodes with a pod answer; Cluster: by those of the nodes. Without meaning for ClusterIP",
        "Local",
      ),
      enum: ["Local", "Cluster"],
    },
    annotations: free("annotations of the Service, for example of a cloud's balancer", {}),
  });
const providerService = () =>
  group("the address for providers outside this release, with the port for providers and no other", {
    type: {
      ...text("type of the Service; None: there is none", "None"),
      enum: ["None", "ClusterIP", "NodePort", "LoadBalancer"],
    },
    annotations: free("annotations of the Service, for example of a cloud's balancer", {}),
  });
const hosts = () =>
  list("host[:port] under which users reach the gateway; sign-in messages must name one of them");
const autoscaling = ({ minReplicas, maxReplicas }) =>
  group("scale by CPU with a HorizontalPodAutoscaler", {
    enabled: flag("instead of `replicas`", false),
    minReplicas: whole("least pods", minReplicas, 1),
    maxReplicas: whole("most pods", maxReplicas, 1),
    targetCpuPercent: whole("CPU, in percent of the request, that is aimed at", 70, 1, 100),
  });
const keda = ({ scales, queue }) =>
  group(`scale by ${queue.metric} with KEDA`, {
    enabled: flag("needs KEDA in the cluster; without it use autoscaling", false),
    prometheusUrl: text("Prometheus that has the services' metrics"),
    queuedPerReplica: whole("waiting work that one pod takes on", queue.perReplica, 1),
    minReplicas: whole("least pods; without any, nobody would count what waits", scales.minReplicas, 1),
    maxReplicas: whole("most pods", scales.maxReplicas, 1),
  });
const kedaByLag = ({ lag }) =>
  group("scale by the events that wait in Kafka, with KEDA", {
    enabled: flag("needs KEDA in the cluster, and Kafka as the event bus; instead of `replicas`", false),
    bootstrapServers: text("host:port,… of Kafka, as KEDA's operator reaches it"),
    authentication: text("TriggerAuthentication with Kafka's user and password; empty: none is needed"),
    lagPerReplica: whole("waiting events of a topic that one pod takes on", lag.perReplica, 1),
    minReplicas: whole("least pods", lag.minReplicas, 1),
    maxReplicas: whole(
      "most pods; more than a topic has partitions hear nothing of it",
      lag.maxReplicas,
      1,
      8,
    ),
  });
const persistence = (size) =>
  group("the disk that it keeps its files on", {
    size: quantity("its size", size),
    storageClassName: text("storage class; empty: the cluster's default"),
  });

function settingsOf(own) {
  return Object.fromEntries(
    own.map(({ setting, description, initial }) => [
      setting,
      text(`${description}${initial === undefined || `${initial}`.trim() === "" ? "" : ` (${initial})`}`),
    ]),
  );
}

/** The umbrella's values: what is global; each service's own are in its chart, by its name. */
export function umbrellaValues(services) {
  const enabled = Object.keys(services).map((name) => [
    name,
    group(`see charts/${name}/values.yaml`, { enabled: flag("install this service", name !== "provider") }),
  ]);
  return commented("AiOS on one cluster", { global: GLOBAL, ...Object.fromEntries(enabled) });
}

/** The subcharts check their own part; here only the names of the parts are checked. */
export function umbrellaSchema(services) {
  const parts = Object.fromEntries(Object.keys(services).map((name) => [name, { type: "object" }]));
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Values of aios",
    type: "object",
    additionalProperties: false,
    properties: { global: GLOBAL, "aios-lib": { type: "object" }, ...parts },
  };
}

/** The operators' page. */
export function valuesPage(services, ownSettings, factsOf) {
  const sections = Object.entries(services).map(([name, entry]) => {
    const own = ownSettings(name, factsOf(name, entry));
    return `## ${name}\n\n${entry.description}\n\n${table(serviceProperties(name, entry, own), `${name}.`)}`;
  });
  return [
    "# Values of the charts",
    "",
    "Written by `deploy/helm/generate.mjs`. Unknown keys are refused at install. Values of a service stand under its name.",
    "",
    "## global",
    "",
    table(GLOBAL.properties, "global."),
    "",
    sections.join("\n\n"),
    "",
  ].join("\n");
}

function table(properties, prefix) {
  const rows = rowsOf(properties, prefix);
  return ["| value | default | what it is |", "| --- | --- | --- |", ...rows].join("\n");
}

function rowsOf(properties, prefix) {
  return Object.entries(properties).flatMap(([key, schema]) => {
    if (schema.properties !== undefined) return rowsOf(schema.properties, `${prefix}${key}.`);
    const initial = JSON.stringify(schema.default);
    return [`| \`${prefix}${key}\` | \`${initial}\` | ${schema.description.replaceAll("|", "\\|")} |`];
  });
}

/** YAML with each description above its key. */
function commented(title, properties) {
  return `# ${title}\n# Written by deploy/helm/generate.mjs; every key is described in docs/operators/values.md.\n${lines(properties, "")}`;
}

function lines(properties, indent) {
  return Object.entries(properties)
    .map(([key, schema]) => {
      const comment = `${indent}# ${schema.description}\n`;
      if (schema.properties !== undefined) {
        const inner = lines(schema.properties, `${indent}  `);
        return `${comment}${indent}${key}:${inner === "" ? " {}" : ""}\n${inner}`;
      }
      const value = stringify(schema.default, { collectionStyle: "flow", lineWidth: 0 }).trim();
      return `${comment}${indent}${key}: ${value}\n`;
    })
    .join("");
}
