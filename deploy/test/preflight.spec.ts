import { describe, expect, it } from "vitest";
import { type ClusterObjects, refusal } from "./cluster-answers.js";
import { isInstalled } from "./helm.js";

const SERVICES = ["gateway", "storage", "compute", "zk-prover", "marketplace", "economy", "scoring"];
const URLS = Object.fromEntries(
  SERVICES.map((service) => [service, `postgres://aios:secret@db.example/aios_${service}`]),
);
const SECRETS = { "aios-databases": SERVICES, "aios-kafka": ["url"], "aios-redis": ["url"] };
const FITTING: ClusterObjects = {
  secrets: SECRETS,
  nodes: [{ memory: "4Gi" }, { memory: "16384000Ki" }],
  storageClasses: [{ name: "standard", isDefault: true }],
};
const PUBLIC_PART = ["genesis.json", "services.jwks", "CONTRACT_REGISTRY_ADDRESS", "PROVER_PAYOUT_ADDRESS"];
const HONOR_KEYS = [0, 1, 2, 3].flatMap((node) =>
  ["node.pem", "seat.key", "operator.key"].map((file) => `honor-${node}-${file}`),
);

interface Case {
  readonly what: string;
  readonly cluster: ClusterObjects;
  readonly settings?: string;
  readonly said: string;
}

const secrets = (changed: NonNullable<ClusterObjects["secrets"]>): ClusterObjects => ({
  ...FITTING,
  secrets: { ...SECRETS, ...changed },
});

const REFUSED: readonly Case[] = [
  {
    what: "a Secret",
    cluster: { ...FITTING, secrets: { "aios-databases": SERVICES, "aios-redis": ["url"] } },
    said: "The Secret aios-kafka is not in the namespace aios",
  },
  {
    what: "a service's database",
    cluster: secrets({ "aios-databases": SERVICES.filter((name) => name !== "economy") }),
    said: "The Secret aios-databases lacks the key economy, a connection URL",
  },
  {
    what: "the event bus's URL in its Secret",
    cluster: secrets({ "aios-kafka": ["URL"] }),
    said: "The Secret aios-kafka lacks the key url",
  },
  {
    what: "Redis' URL in its Secret",
    cluster: secrets({ "aios-redis": [] }),
    said: "The Secret aios-redis lacks the key url",
  },
  {
    what: "Kubo's URL in its Secret",
    cluster: secrets({ ipfs: ["rpc"] }),
    settings: "global.kubo.secretName=ipfs",
    said: "The Secret ipfs lacks the key url",
  },
  {
    what: "the network that the operator brings",
    cluster: FITTING,
    settings: "global.network.setUp=false",
    said: "The Secret aios-network is not in the namespace aios",
  },
  {
    what: "the public part of a network that the operator brings",
    cluster: { ...secrets({ "aios-network": [] }), configmaps: { "aios-network": ["genesis.json"] } },
    settings: "global.network.setUp=false",
    said: "The ConfigMap aios-network in the namespace aios is missing, or lacks the key services.jwks",
  },
  {
    what: "the operator's key of an honor node",
    cluster: secrets({ "aios-network": HONOR_KEYS.filter((key) => key !== "honor-2-operator.key") }),
    settings: "global.network.honorNodes=4",
    said: `kubectl --namespace aios patch secret aios-network --patch '{"stringData":{"honor-2-operator.key":"<64 hex digits>"}}'`,
  },
  {
    what: "the seat of an honor node",
    cluster: secrets({ "aios-network": HONOR_KEYS.filter((key) => key !== "honor-1-seat.key") }),
    settings: "global.network.honorNodes=4",
    said: "The Secret aios-network lacks the key honor-1-seat.key, which honor node 1 needs. Restore the Secret",
  },
  {
    what: "a default storage class",
    cluster: { ...FITTING, storageClasses: [{ name: "slow", isDefault: false }] },
    said: "The cluster has no default storage class",
  },
  {
    what: "the storage class that is asked for",
    cluster: FITTING,
    settings: "storage.persistence.storageClassName=fast",
    said: "The cluster has no storage class fast, which storage.persistence.storageClassName names. It has: standard.",
  },
  {
    what: "a node that is large enough",
    cluster: FITTING,
    settings: "economy.resources.requests.memory=15.7Gi",
    said: "No node is large enough for economy: it asks for 15.7Gi of memory, and the largest node has 16000Mi",
  },
  {
    what: "a node that is large enough, in whatever unit that is said",
    cluster: FITTING,
    settings: "economy.resources.requests.memory=1Ti",
    said: "No node is large enough for economy: it asks for 1Ti",
  },
  {
    what: "a node that is large enough, with an exponent",
    cluster: FITTING,
    settings: "economy.resources.requests.memory=17e9",
    said: "No node is large enough for economy: it asks for",
  },
  {
    what: "the password of the bundled PostgreSQL, where nobody makes it",
    cluster: {
      ...secrets({ "aios-network": [], "aios-databases": SERVICES }),
      configmaps: { "aios-network": PUBLIC_PART },
    },
    settings: "global.network.setUp=false,global.database.bundled=true",
    said: "The Secret aios-databases lacks the key password, which the bundled PostgreSQL is started with",
  },
  {
    what: "the Secret of the bundled PostgreSQL, where nobody makes it",
    cluster: { ...FITTING, secrets: { "aios-kafka": ["url"], "aios-redis": ["url"] } },
    settings: "global.network.setUp=false,global.database.bundled=true",
    said: "The Secret aios-databases is not in the namespace aios",
  },
  {
    what: "the priority class that is asked for",
    cluster: FITTING,
    settings: "zk-prover.priorityClassName=aios-paid-work",
    said: "The cluster has no priority class aios-paid-work, which zk-prover.priorityClassName names",
  },
  {
    what: "an open port to a Kafka that is not at its usual one",
    cluster: secrets({
      "aios-kafka": { url: "kafkas://aios:p%40ss@a.example:9092,b.example:19092?sasl=plain" },
    }),
    said:
      "The network policies would close port 19092, where the Secret aios-kafka says under url that a server is: " +
      "global.networkPolicy.backends.eventBus opens 9092.",
  },
  {
    what: "an open port to a service's database behind a pooler",
    cluster: secrets({
      "aios-databases": {
        ...URLS,
        economy: "postgres://aios:secret@pooler.example:6432/aios_economy?sslmode=require",
      },
    }),
    said: "would close port 6432, where the Secret aios-databases says under economy",
  },
  {
    what: "an open port to Redis",
    cluster: secrets({ "aios-redis": { url: "rediss://:secret@redis.example:6380/0" } }),
    said: "would close port 6380, where the Secret aios-redis says under url",
  },
  {
    what: "an open port to Kubo behind TLS",
    cluster: secrets({ ipfs: { url: "https://kubo.example/" } }),
    settings: "global.kubo.secretName=ipfs",
    said: "would close port 443, where the Secret ipfs says under url",
  },
  {
    what: "a value of that name",
    cluster: FITTING,
    settings: "gateway.replica=3",
    said: "replica",
  },
];

describe.skipIf(!isInstalled("helm"))("an install into a cluster", () => {
  it.each<{ what: string; cluster: ClusterObjects; settings?: string }>([
    { what: "nothing is missing", cluster: FITTING },
    {
      what: "its honor nodes have their keys",
      cluster: secrets({ "aios-network": HONOR_KEYS }),
      settings: "global.network.honorNodes=4",
    },
    {
      what: "Kafka and Redis come along",
      cluster: { ...FITTING, secrets: { "aios-databases": SERVICES } },
      settings: "global.eventBus.bundled=true,global.redis.bundled=true",
    },
    {
      what: "its priority class is there",
      cluster: { ...FITTING, priorityClasses: ["aios-paid-work"] },
      settings: "zk-prover.priorityClassName=aios-paid-work",
    },
    {
      what: "its servers are at their usual ports, said or not",
      cluster: secrets({
        "aios-databases": URLS,
        "aios-kafka": { url: "kafka://a.example:9092,b.example:9092" },
        "aios-redis": { url: "redis://:secret@redis.example/0" },
      }),
    },
    {
      what: "the policies open the port that Kafka is at",
      cluster: secrets({ "aios-kafka": { url: "kafka://10.1.2.3:19092" } }),
      settings:
        "global.networkPolicy.backends.eventBus[0].cidr=10.0.0.0/8,global.networkPolicy.backends.eventBus[0].port=19092",
    },
    {
      what: "there are no policies that could close a port",
      cluster: secrets({ "aios-kafka": { url: "kafka://10.1.2.3:19092" } }),
      settings: "global.networkPolicy.enabled=false",
    },
    {
      what: "a node is just large enough",
      cluster: FITTING,
      settings: "economy.resources.requests.memory=15.6Gi",
    },
  ])("begins where $what", async ({ cluster, settings }) => {
    expect(await refusal(cluster, ...chosen(settings))).toBeUndefined();
  });

  it.each(REFUSED)("is refused by a sentence before anything is made, where it lacks $what", async (lack) => {
    expect(await refusal(lack.cluster, ...chosen(lack.settings))).toContain(lack.said);
  });
});

const chosen = (settings: string | undefined): readonly string[] =>
  settings === undefined ? [] : ["--set", settings];
