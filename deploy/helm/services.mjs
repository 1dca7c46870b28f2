// What the charts know of each service that its own settings do not say. Memory and processor time are measured
// (docs/benchmarks.md, "of a pod"): the request of memory lies above what a busy process held, the limit leaves it double;
// that of the processor is twice what it took while a main job ran, at least 50m, where nothing else is said.

const GRPC = 50_051;
const HEALTH = 9_090;
export const JSON_RPC = 8_545;
const HTTP = 8_080;
const LIBP2P = 4_001;
const PROVIDERS = 50_061;

/** Until every node has forgotten an address that left its Service. */
export const DRAIN_GRACE = "5s";

const measured = (cpu, requestMiB, heapMiB) => ({
  heapMiB,
  resources: {
    requests: { cpu, memory: `${requestMiB}Mi` },
    limits: { memory: `${Math.max(2 * requestMiB, requestMiB + heapMiB)}Mi` },
  },
});

/**
 * workload   Deployment, or StatefulSet for what keeps files
 * single     one process at a time, so the number of replicas cannot be chosen
 * identity   has a key of its own and speaks gRPC to the others
 * providers  port for providers, who have no certificate, where services have some
 * open       ports that everyone may reach
 * keys       accounts whose keys the process signs with
 * honor      may be the first of several nodes that finalise one chain
 * drainGrace where clients keep HTTP connections: until those have closed by themselves as well
 * env        settings that the chart decides; text is a Helm template
 * shared     settings from the network's ConfigMap
 * powers     reads the powers of tau that the contracts are deployed with
 * queue      where a metric counts the work that waits: scaled by it
 * lag        hears events that any of its pods may handle: scaled by those that wait
 */
export const SERVICES = {
  gateway: {
    description: "REST, sign-in, progress streams, JSON-RPC passthrough and the studio.",
    workload: "Deployment",
    replicas: 2,
    ports: { http: HTTP, health: HEALTH },
    public: true,
    open: [HTTP],
    scales: { minReplicas: 2, maxReplicas: 10 },
    drainGrace: "12s",
    env: {
      GATEWAY_HTTP_LISTEN: `0.0.0.0:${HTTP}`,
      GATEWAY_STUDIO_DIR: "/app/apps/studio/dist",
      GATEWAY_SIGN_IN_DOMAINS:
        "{{ .Release.Name }}-gateway:8080,{{ .Release.Name }}-gateway.{{ .Release.Namespace }}:8080," +
        "localhost:8080,127.0.0.1:8080{{ range .Values.hosts }},{{ . }}{{ end }}",
    },
    // Its autoscaler counts from the request: a fifth of a core, not the little that one buyer takes.
    ...measured("200m", 208, 160),
  },
  consensus: {
    description: "The chain's node: blocks, state, Ethereum JSON-RPC.",
    workload: "StatefulSet",
    single: true,
    persistent: "20Gi",
    ports: { grpc: GRPC, "json-rpc": JSON_RPC, health: HEALTH },
    honor: true,
    env: {
      CONSENSUS_JSON_RPC_LISTEN: `0.0.0.0:${JSON_RPC}`,
      CONSENSUS_GENESIS_FILE: "/network/genesis.json",
    },
    ...measured("150m", 256, 256),
  },
  storage: {
    providers: PROVIDERS,
    description: "Content by CID on IPFS, content keys and the log of their release.",
    workload: "StatefulSet",
    single: true,
    persistent: "50Gi",
    ports: { grpc: GRPC, libp2p: LIBP2P, health: HEALTH },
    open: [LIBP2P],
    env: { LIBP2P_LISTEN: `/ip4/0.0.0.0/tcp/${LIBP2P}` },
    ...measured("50m", 208, 192),
  },
  compute: {
    providers: PROVIDERS,
    description: "Jobs: price, order, placement, lease, delivery, settlement.",
    workload: "Deployment",
    single: true,
    ports: { grpc: GRPC, health: HEALTH },
    ...measured("50m", 192, 160),
  },
  "zk-prover": {
    description: "Keys and proofs of integer models; replicas share one queue.",
    workload: "Deployment",
    replicas: 1,
    ports: { grpc: GRPC, health: HEALTH },
    scales: { minReplicas: 1, maxReplicas: 20 },
    queue: {
      metric: "aios_zk_prover_queued_proofs",
      query: 'max(aios_zk_prover_queued_proofs{namespace="{{ .Release.Namespace }}"})',
      perReplica: 4,
    },
    shared: ["PROVER_PAYOUT_ADDRESS"],
    powers: true,
    // A proof takes whole cores while it is made.
    ...measured("1", 320, 384),
  },
  marketplace: {
    description: "Model drafts, publication, licences; all of its state is in the database.",
    workload: "Deployment",
    replicas: 1,
    ports: { grpc: GRPC, health: HEALTH },
    lag: { perReplica: 100, minReplicas: 1, maxReplicas: 4 },
    ...measured("50m", 176, 128),
  },
  economy: {
    description: "Everything that writes to the chain, and the index of what the chain says about money.",
    workload: "Deployment",
    single: true,
    ports: { grpc: GRPC, health: HEALTH },
    keys: ["relayer", "matcher", "anchor"],
    env: {
      RELAYER_KEY_FILE: "/keys/relayer.key",
      MATCHER_KEY_FILE: "/keys/matcher.key",
      ANCHOR_KEY_FILE: "/keys/anchor.key",
    },
    shared: ["CONTRACT_REGISTRY_ADDRESS"],
    ...measured("150m", 192, 160),
  },
  scoring: {
    description: "Receipts, their anchors, contribution features.",
    workload: "Deployment",
    single: true,
    ports: { grpc: GRPC, health: HEALTH },
    ...measured("50m", 176, 128),
  },
  provider: {
    description:
      "Machines of the operator's own that work as providers; strangers run aios-provider outside.",
    workspace: "apps/provider",
    workload: "StatefulSet",
    replicas: 2,
    maximumReplicas: 2,
    persistent: "2Gi",
    ports: { health: HEALTH },
    keyPerPod: true,
    env: { PROVIDER_KEY_FILE: "/keys/provider.key", PROVIDER_NAME: "$(POD_NAME)" },
    shared: ["CONTRACT_REGISTRY_ADDRESS"],
    gpu: true,
    ...measured("100m", 192, 192),
  },
};
