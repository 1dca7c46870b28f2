import { readFileSync } from "node:fs";
import { CodedError } from "@aios/kernel/coded-error";
import type { OperatedService } from "@aios/sdk/operations-types";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { examineCluster } from "./examine-cluster.js";
import { silence } from "./process-answer.js";

/** What `kubectl get --output=json` said of a real cluster with five things wrong. */
const RECORDED = new URL("../../../test/recorded-cluster/", import.meta.url);
const RECORDED_AT = readFileSync(new URL("at", RECORDED), "utf8").trim();
/** Of which nothing was recorded. */
const WORKLOADS = "deployments,statefulsets";
const recorded = (resource: string): unknown =>
  resource === WORKLOADS
    ? { items: [] }
    : JSON.parse(readFileSync(new URL(`${resource}.json`, RECORDED), "utf8"));

const well = (pod: string): OperatedService => ({
  ...silence(pod, null),
  state: "ready",
  version: "0.1.0",
  clockOffsetMs: 3,
});

interface Fake {
  readonly get?: (resource: string) => Promise<unknown>;
  readonly ask?: (pod: string) => OperatedService;
}

function examine({ get = async (resource) => recorded(resource), ask = well }: Fake = {}) {
  const asked: string[] = [];
  const kubectl = { get, namespace: async () => "aios-check" };
  const askPod = async (pod: string): Promise<OperatedService> => {
    asked.push(pod);
    return ask(pod);
  };
  const findings = examineCluster(kubectl, askPod, "aios");
  return findings.then((found) => ({ findings: found, asked }));
}

describe("the doctor of a cluster that Kubernetes describes", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.parse(RECORDED_AT), toFake: ["Date"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([
    ["trouble-image", /ImagePullBackOff|ErrImagePull/, /Push the image|registry refuses/],
    ["trouble-secret", /"nowhere" not found/, /Create the Secret nowhere/],
    ["trouble-node", /Insufficient memory.* gives /, /a larger one/],
    ["trouble-start", /exit code 78: .*DATABASE_URL/, /Mend what it names/],
  ])("names %s as the kubelet told it", async (pod, detail, fix) => {
    const { findings } = await examine();
    const finding = findings.find(({ name }) => name === pod);
    expect(finding).toMatchObject({ state: "problem" });
    expect(finding?.detail).toMatch(detail);
    expect(finding?.fix).toMatch(fix);
  });

  it("names the claim that no class makes a volume for", async () => {
    const { findings } = await examine();
    const disks = findings.filter(({ name, state }) => name === "disks" && state === "problem");
    expect(disks.map(({ detail }) => detail)).toEqual([
      "The claim trouble-disk is Pending: the cluster has no default storage class.",
    ]);
  });

  it("finds nothing else in it", async () => {
    const { findings } = await examine();
    const problems = findings.filter(({ state }) => state === "problem").map(({ name }) => name);
    expect(problems.sort()).toEqual([
      "disks",
      "trouble-image",
      "trouble-node",
      "trouble-secret",
      "trouble-start",
    ]);
  });

  it("asks every running pod that has a health port, replicas too", async () => {
    const { asked, findings } = await examine();
    const services = new Set(
      asked.map((pod) => /^aios-([a-z-]+?)(-[a-z0-9]+-[a-z0-9]{5}|-\d+)$/.exec(pod)?.[1]),
    );
    for (const service of ["gateway", "consensus", "storage", "compute", "zk-prover", "economy", "provider"])
      expect(services).toContain(service);
    expect(asked.filter((pod) => pod.startsWith("aios-provider-"))).toHaveLength(2);
    expect(asked.length).toBe(new Set(asked).size);
    expect(findings.find(({ name }) => name === "asked")?.detail).toBe(
      `${asked.length} of ${asked.length} running pods said how they are`,
    );
  });

  it("judges each pod for itself: one old version, one slow clock, one silent", async () => {
    const ask = (pod: string): OperatedService => {
      if (pod === "aios-provider-0") return { ...well(pod), version: "0.0.9" };
      if (pod === "aios-provider-1") return silence(pod, "no answer");
      return pod.startsWith("aios-economy") ? { ...well(pod), clockOffsetMs: -40_000 } : well(pod);
    };
    const { findings } = await examine({ ask });
    const said = findings.map(({ name, state, detail }) => `${state} ${name}: ${detail}`).join("\n");
    expect(said).toMatch(/warning versions: .*0\.0\.9: aios-provider-0/);
    expect(said).toMatch(/problem clocks: The clock of aios-economy-\S+ is 40\.0 s off/);
    expect(said).toMatch(/problem aios-provider-1: It runs and does not answer/);
  });

  it("names the service in the fix for what its pod lacks", async () => {
    const schema = { expected: 3, missing: ["3_c"], changed: [], ahead: [] };
    const { findings } = await examine({
      ask: (pod) => (pod.startsWith("aios-economy") ? { ...well(pod), schema } : well(pod)),
    });
    expect(findings.find(({ name }) => name === "schema")?.fix).toContain("the chart's Job economy-migrate");
  });

  it("names a service of the release that wants no pod, and none of another release", async () => {
    const stopped = (name: string, release: string) => ({
      kind: "Deployment",
      metadata: {
        name,
        labels: { "app.kubernetes.io/part-of": "aios", "app.kubernetes.io/instance": release },
      },
      spec: { replicas: 0 },
    });
    const items = [stopped("aios-marketplace", "aios"), stopped("other-marketplace", "other")];
    const { findings } = await examine({
      get: async (resource) => (resource === WORKLOADS ? { items } : recorded(resource)),
    });
    const names = findings.filter(({ state }) => state === "problem").map(({ name }) => name);
    expect(names).toContain("aios-marketplace");
    expect(names).not.toContain("other-marketplace");
  });

  it("goes on where the cluster's own objects may not be seen, and says so", async () => {
    const refused = new CodedError({ code: "kubectl-failed", kind: "unavailable", message: "forbidden" });
    const { findings } = await examine({
      get: async (resource) => {
        if (["nodes", "storageclasses", WORKLOADS].includes(resource)) throw refused;
        return recorded(resource);
      },
    });
    const rights = findings.filter(({ name, state }) => name === "rights" && state === "warning");
    expect(rights.map(({ detail }) => detail.split(" ")[0])).toEqual(["Deployments", "Nodes"]);
    expect(findings.some(({ name }) => name === "trouble-image")).toBe(true);
  });

  it("is one finding where the cluster cannot be asked at all", async () => {
    const missing = new CodedError({
      code: "kubectl-missing",
      kind: "unprocessable",
      message: "There is no 'kubectl'.",
    });
    const { findings } = await examine({ get: () => Promise.reject(missing) });
    expect(findings).toMatchObject([
      { name: "kubernetes", state: "problem", detail: "There is no 'kubectl'." },
    ]);
  });

  it("is one finding where kubectl answers something else, of the cluster's own objects too", async () => {
    for (const strange of ["pods", "nodes"]) {
      const get = async (resource: string) =>
        resource === strange ? { items: [{ metadata: 7 }] } : recorded(resource);
      const { findings } = await examine({ get });
      expect(findings).toMatchObject([
        { name: "kubernetes", state: "problem", detail: expect.stringContaining(`${strange}: items.0`) },
      ]);
    }
  });
});
