import { Wallet } from "ethers";
import { describe, expect, it } from "vitest";
import { MemoryNamespace } from "../test/support/memory-namespace.js";
import { newNetwork, publicPart } from "./network.js";
import { type NetworkNames, type NetworkSources, setUpNetwork } from "./set-up-network.js";

const NAMES: NetworkNames = {
  secret: "aios-network",
  configMap: "aios-network",
  labels: { "app.kubernetes.io/instance": "aios" },
  release: "aios",
  honorNodes: 1,
  database: { secret: "aios-databases", host: "aios-postgres", port: 5_432 },
};

function sources(): NetworkSources {
  return { newNetwork: () => newNetwork(1_800_000_000_000, 1), newPassword: () => "p@ss/word" };
}

const quiet = (): void => undefined;

describe("setUpNetwork", () => {
  it("makes the secret first, and everything public from it", async () => {
    const namespace = new MemoryNamespace();
    await setUpNetwork(namespace, NAMES, sources(), quiet);
    expect(namespace.created).toEqual([
      "secrets/aios-network",
      "configmaps/aios-network",
      "secrets/aios-databases",
    ]);
    const secret = namespace.objects.get("secrets/aios-network") ?? {};
    const shared = namespace.objects.get("configmaps/aios-network") ?? {};
    expect(shared["PROVER_PAYOUT_ADDRESS"]).toBe(
      new Wallet(secret["account-prover.key"] as string).address.toLowerCase(),
    );
    expect(shared["genesis.json"]).toBe(secret["genesis.json"]);
    expect(JSON.stringify(shared)).not.toMatch(/"d"/);
    for (const [file, content] of Object.entries(secret)) {
      if (file.endsWith(".key")) expect(JSON.stringify(shared)).not.toContain(content.trim().slice(2));
    }
    expect(namespace.objects.get("secrets/aios-databases")).toMatchObject({
      "zk-prover": "postgres://aios:p%40ss%2Fword@aios-postgres:5432/aios_zk_prover",
      events: "postgres://aios:p%40ss%2Fword@aios-postgres:5432/aios_events",
      password: "p@ss/word",
    });
  });

  it("keeps what is there, and completes a run that was cut off", async () => {
    const namespace = new MemoryNamespace();
    await setUpNetwork(namespace, NAMES, sources(), quiet);
    const before = new Map(namespace.objects);
    namespace.objects.delete("configmaps/aios-network");
    const said: string[] = [];
    await setUpNetwork(namespace, NAMES, sources(), (line) => said.push(line));
    expect(namespace.objects).toEqual(before);
    expect(said).toEqual([
      "secrets/aios-network is there",
      "configmaps/aios-network made",
      "secrets/aios-databases is there",
    ]);
  });

  it("takes the other's network when two runs make one at once", async () => {
    const namespace = new MemoryNamespace();
    const others = await newNetwork(1_800_000_000_000, 1);
    namespace.beforeCreate = ({ kind }) => {
      if (kind === "secrets" && !namespace.objects.has("secrets/aios-network")) {
        namespace.objects.set("secrets/aios-network", others);
      }
    };
    await setUpNetwork(namespace, { ...NAMES, labels: {} }, sources(), quiet);
    expect(namespace.objects.get("configmaps/aios-network")).toEqual(await publicPart(others, "aios"));
  });

  it("refuses a secret of which a part is gone, instead of making another network", async () => {
    const namespace = new MemoryNamespace();
    const { "genesis.json": _lost, ...rest } = await newNetwork(1_800_000_000_000, 1);
    namespace.objects.set("secrets/aios-network", rest);
    await expect(setUpNetwork(namespace, NAMES, sources(), quiet)).rejects.toMatchObject({
      code: "network-secret-incomplete",
    });
    expect(namespace.created).toEqual([]);
  });

  it("draws no database password where the operator brings a server", async () => {
    const namespace = new MemoryNamespace();
    const { database: _bundled, ...names } = NAMES;
    await setUpNetwork(namespace, names, sources(), quiet);
    expect(namespace.created).toEqual(["secrets/aios-network", "configmaps/aios-network"]);
  });

  it("draws a password for each further server of the release", async () => {
    const namespace = new MemoryNamespace();
    const kafka = {
      secret: "aios-kafka",
      key: "url",
      url: (password: string) => `kafka://aios:${encodeURIComponent(password)}@aios-kafka:9092`,
    };
    await setUpNetwork(namespace, { ...NAMES, servers: [kafka] }, sources(), quiet);
    expect(namespace.created.at(-1)).toBe("secrets/aios-kafka");
    expect(namespace.objects.get("secrets/aios-kafka")).toEqual({
      url: "kafka://aios:p%40ss%2Fword@aios-kafka:9092",
      password: "p@ss/word",
    });
  });

  it("makes a key and a seat for each honor node, and tells all of them the same peers", async () => {
    const namespace = new MemoryNamespace();
    const names = { ...NAMES, honorNodes: 4 };
    const four = { ...sources(), newNetwork: () => newNetwork(1_800_000_000_000, 4) };
    await setUpNetwork(namespace, names, four, quiet);
    const secret = namespace.objects.get("secrets/aios-network") ?? {};
    const shared = namespace.objects.get("configmaps/aios-network") ?? {};
    const peers = (shared["CONSENSUS_PEERS"] ?? "").split(",");
    expect(new Set(peers.map((peer) => peer.split("@")[0])).size).toBe(4);
    expect(peers[3]).toMatch(/^[0-9a-f]{64}@aios-consensus-3\.aios-consensus-peers:30400$/);
    const { honor } = JSON.parse(shared["genesis.json"] ?? "{}") as {
      honor: { members: { account: string }[] };
    };
    expect(honor.members).toHaveLength(4);
    for (const node of [0, 1, 2, 3]) {
      expect(secret[`honor-${node}-node.pem`]).toContain("PRIVATE KEY");
      expect(secret[`honor-${node}-seat.key`]).toMatch(/^[0-9a-f]{64}$/);
      // Whoever holds it can take the deposit out, so it must be the account that the first block names.
      const operator = new Wallet(`0x${secret[`honor-${node}-operator.key`]}`).address.toLowerCase();
      expect(honor.members[node]?.account.toLowerCase()).toBe(operator);
    }
    expect(JSON.stringify(shared)).not.toContain("PRIVATE KEY");
    await expect(setUpNetwork(namespace, NAMES, four, quiet)).rejects.toMatchObject({
      code: "network-has-other-nodes",
      details: { nodes: 4, asked: 1 },
    });
  });

  it("names the key that an honor node's pod could not start without", async () => {
    const namespace = new MemoryNamespace();
    const { "honor-2-operator.key": _lost, ...rest } = await newNetwork(1_800_000_000_000, 4);
    namespace.objects.set("secrets/aios-network", rest);
    const run = setUpNetwork(namespace, { ...NAMES, honorNodes: 4 }, sources(), quiet);
    await expect(run).rejects.toMatchObject({
      code: "network-secret-incomplete",
      details: { missing: ["honor-2-operator.key"] },
      message: expect.stringContaining("64 hex digits"),
    });
    expect(namespace.created).toEqual([]);
  });
});
