import { describe, expect, it } from "vitest";
import { type ClusterState, LISTS } from "./kubernetes-objects.js";
import { kubernetesFindings } from "./pod-findings.js";

const NOW = "2030-01-31T12:00:00Z";
const NOW_MS = Date.parse(NOW);
const MINUTES_AGO = (minutes: number): string => new Date(NOW_MS - minutes * 60_000).toISOString();

function pod(name: string, status: object, more: object = {}): object {
  return {
    metadata: { name, labels: { "app.kubernetes.io/name": "economy" }, ...more },
    spec: { nodeName: "node-a", containers: [{ name: "economy" }] },
    status: { phase: "Running", ...status },
  };
}

const container = (changes: object): object => ({
  containerStatuses: [
    { name: "economy", image: "registry/aios/economy:1", ready: false, restartCount: 0, ...changes },
  ],
});
const READY = { conditions: [{ type: "Ready", status: "True" }] };
const healthy = pod("economy-0", { ...READY, ...container({ ready: true, state: { running: {} } }) });

function warningOf(kind: string, name: string, reason: string, message: string, minutesAgo = 1): object {
  const lastTimestamp = MINUTES_AGO(minutesAgo);
  return { type: "Warning", reason, message, involvedObject: { kind, name }, lastTimestamp };
}

function stateOf(parts: {
  pods?: readonly object[];
  workloads?: readonly object[];
  events?: readonly object[];
  claims?: readonly object[];
  nodes?: readonly object[];
  classes?: readonly object[];
}): ClusterState {
  return {
    namespace: "aios",
    pods: LISTS.pods.parse({ items: parts.pods ?? [healthy] }).items,
    workloads: LISTS["deployments,statefulsets"].parse({ items: parts.workloads ?? [] }).items,
    events: LISTS.events.parse({ items: parts.events ?? [] }).items,
    claims: LISTS.persistentvolumeclaims.parse({ items: parts.claims ?? [] }).items,
    nodes: LISTS.nodes.parse({ items: parts.nodes ?? [] }).items,
    storageClasses: LISTS.storageclasses.parse({ items: parts.classes ?? [] }).items,
  };
}

const troubles = (state: ClusterState) =>
  kubernetesFindings(state, NOW_MS).filter(({ state: judged }) => judged !== "ok");

describe("the doctor of pods", () => {
  it("finds nothing where all run", () => {
    expect(kubernetesFindings(stateOf({}), NOW_MS)).toEqual([
      { name: "pods", state: "ok", detail: "all 1 run and are ready, none restarted within a day" },
      { name: "nodes", state: "ok", detail: "0 ready" },
    ]);
  });

  it("says so where it looks into the wrong namespace", () => {
    expect(troubles(stateOf({ pods: [] }))[0]?.detail).toContain("No pod of AiOS is in the namespace aios");
  });

  it("takes no release for sound of which only Jobs are left that went through", () => {
    const tested = pod("main-job", { phase: "Succeeded" });
    expect(troubles(stateOf({ pods: [tested] }))).toMatchObject([
      { name: "pods", state: "problem", detail: expect.stringContaining("Nothing of AiOS runs") },
    ]);
  });

  it.each<[string, object, readonly object[], RegExp, RegExp]>([
    [
      "a node that is too small",
      {
        phase: "Pending",
        conditions: [
          {
            type: "PodScheduled",
            status: "False",
            reason: "Unschedulable",
            message: "0/1 nodes are available: 1 Insufficient memory.",
          },
        ],
      },
      [],
      /It has no node: 0\/1 nodes are available: 1 Insufficient memory/,
      /add a node, or a larger one, or lower economy\.resources\.requests \(memory\)/,
    ],
    [
      "a disk that is not there",
      {
        phase: "Pending",
        conditions: [
          {
            type: "PodScheduled",
            status: "False",
            message: "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
          },
        ],
      },
      [],
      /unbound immediate/,
      /mark a storage class as the default, or name one in economy\.persistence\.storageClassName/,
    ],
    [
      "an image that is not there",
      {
        phase: "Pending",
        ...container({
          state: {
            waiting: {
              reason: "ImagePullBackOff",
              message: 'Back-off pulling image "registry/aios/economy:1"',
            },
          },
        }),
      },
      [warningOf("Pod", "economy-1", "Failed", "Failed to pull image: not found: not found")],
      /ImagePullBackOff of registry\/aios\/economy:1.*Failed to pull image/,
      /Push the image under this name/,
    ],
    [
      "a registry that refuses",
      {
        phase: "Pending",
        ...container({
          state: { waiting: { reason: "ErrImagePull", message: "pull access denied, 403 Forbidden" } },
        }),
      },
      [],
      /ErrImagePull/,
      /global\.image\.pullSecrets/,
    ],
    [
      "a Secret that is missing",
      {
        phase: "Pending",
        ...container({
          state: {
            waiting: { reason: "CreateContainerConfigError", message: 'secret "aios-kafka" not found' },
          },
        }),
      },
      [],
      /secret "aios-kafka" not found/,
      /Create the Secret aios-kafka/,
    ],
    [
      "a key that its Secret lacks",
      {
        phase: "Pending",
        ...container({
          state: {
            waiting: {
              reason: "CreateContainerConfigError",
              message: "couldn't find key url in Secret aios/aios-kafka",
            },
          },
        }),
      },
      [],
      /couldn't find key url/,
      /Add the key url to the Secret aios-kafka/,
    ],
    [
      "a Secret that cannot be mounted",
      { phase: "Pending", ...container({ state: { waiting: { reason: "ContainerCreating" } } }) },
      [
        warningOf(
          "Pod",
          "economy-1",
          "FailedMount",
          'MountVolume.SetUp failed for volume "keys" : references non-existent secret key: service-economy.jwk',
        ),
      ],
      /FailedMount.*service-economy\.jwk/,
      /Add the key service-economy\.jwk/,
    ],
    [
      "a process that ends, by its last sentence",
      container({
        restartCount: 4,
        state: {
          waiting: { reason: "CrashLoopBackOff", message: "back-off 40s restarting failed container" },
        },
        lastState: {
          terminated: {
            exitCode: 1,
            reason: "Error",
            message: "starting\nDATABASE_URL: nothing answers there\n",
          },
        },
      }),
      [],
      /CrashLoopBackOff.*it ended before: exit code 1: DATABASE_URL: nothing answers there/,
      /Mend what it names/,
    ],
    [
      "a process that outgrows its memory",
      container({
        state: { waiting: { reason: "CrashLoopBackOff" } },
        lastState: { terminated: { exitCode: 137, reason: "OOMKilled" } },
      }),
      [],
      /it ended before: OOMKilled/,
      /raise economy\.resources\.limits\.memory/,
    ],
    [
      "a pod that its node put out",
      { phase: "Failed", reason: "Evicted", message: "The node was low on resource: memory." },
      [],
      /Evicted: The node was low on resource/,
      /Free that resource/,
    ],
    [
      "a pod that does not become ready",
      container({ state: { running: {} } }),
      [
        warningOf(
          "Pod",
          "economy-1",
          "Unhealthy",
          "Readiness probe failed: HTTP probe failed with statuscode: 503",
        ),
      ],
      /It runs and is not ready.*Readiness probe failed/,
      /kubectl logs --selector app\.kubernetes\.io\/name=economy/,
    ],
  ])("names %s, and the way out", (_what, status, events, detail, fix) => {
    const [finding, ...more] = troubles(stateOf({ pods: [healthy, pod("economy-1", status)], events }));
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ name: "economy-1", state: "problem" });
    expect(finding?.detail).toMatch(detail);
    expect(finding?.fix).toMatch(fix);
  });

  it("says how much the nodes have where a pod asks for more", () => {
    const message = "0/1 nodes are available: 1 Insufficient cpu.";
    const pending = pod("economy-1", {
      phase: "Pending",
      conditions: [{ type: "PodScheduled", status: "False", message }],
    });
    const nodes = [
      {
        metadata: { name: "node-a" },
        status: {
          allocatable: { cpu: "2", memory: "24Gi" },
          conditions: [{ type: "Ready", status: "True" }],
        },
      },
    ];
    expect(troubles(stateOf({ pods: [pending], nodes }))[0]?.detail).toContain(
      "node-a gives 2 cores and 24Gi of memory",
    );
  });

  it("warns of a restart within a day, with its reason, and forgets an older one", () => {
    const restarted = (minutesAgo: number) =>
      pod("economy-1", {
        ...READY,
        ...container({
          ready: true,
          restartCount: 2,
          state: { running: {} },
          lastState: {
            terminated: { exitCode: 137, reason: "OOMKilled", finishedAt: MINUTES_AGO(minutesAgo) },
          },
        }),
      });
    expect(troubles(stateOf({ pods: [restarted(12)] }))).toMatchObject([
      { state: "warning", detail: "economy was started again 2 times, last 12 minutes ago: OOMKilled" },
    ]);
    expect(troubles(stateOf({ pods: [restarted(2_000)] }))).toEqual([]);
  });

  it("forgets Jobs that went through, also after a first try, and pods that leave", () => {
    const job = { labels: { "batch.kubernetes.io/job-name": "set-up" } };
    const pods = [
      healthy,
      pod("set-up-1", { phase: "Failed" }, job),
      pod("set-up-2", { phase: "Succeeded" }, job),
      pod("economy-1", {}, { deletionTimestamp: NOW }),
    ];
    expect(troubles(stateOf({ pods }))).toEqual([]);
  });

  it("names a claim without a volume, and whether a default class is missing", () => {
    const claim = { metadata: { name: "data-storage-0" }, spec: {}, status: { phase: "Pending" } };
    const said = (classes: readonly object[]) => troubles(stateOf({ claims: [claim], classes }))[0];
    expect(said([])?.detail).toBe(
      "The claim data-storage-0 is Pending: the cluster has no default storage class.",
    );
    expect(said([])?.fix).toContain("there is none yet");
    expect(said([{ metadata: { name: "slow" } }])?.fix).toContain("storageClassName: slow");
    const annotations = { "storageclass.kubernetes.io/is-default-class": "true" };
    expect(said([{ metadata: { name: "fast", annotations } }])?.detail).toContain(
      "no volume was made for it yet",
    );
  });

  it("names what could not even make a pod, while that is now", () => {
    const message = 'pods "economy-x" is forbidden: violates PodSecurity "restricted:latest"';
    const state = (minutesAgo: number) =>
      stateOf({ events: [warningOf("ReplicaSet", "economy-abc", "FailedCreate", message, minutesAgo)] });
    expect(troubles(state(1))).toMatchObject([{ name: "economy-abc", state: "problem" }]);
    expect(troubles(state(1))[0]?.fix).toContain("Pod Security level 'restricted'");
    expect(troubles(state(40))).toEqual([]);
  });

  it("names a node that is not well", () => {
    const node = (conditions: readonly object[]) => [
      { metadata: { name: "node-a" }, status: { conditions } },
    ];
    const notReady = node([
      { type: "Ready", status: "Unknown", message: "Kubelet stopped posting node status." },
    ]);
    expect(troubles(stateOf({ nodes: notReady }))[0]?.detail).toContain("node-a: not ready: Kubelet stopped");
    const full = node([
      { type: "Ready", status: "True" },
      { type: "DiskPressure", status: "True", message: "kubelet has disk pressure" },
    ]);
    expect(troubles(stateOf({ nodes: full }))[0]?.detail).toContain("node-a: DiskPressure");
  });

  it("gives a fix with every finding that is not fine", () => {
    const strange = pod(
      "economy-1",
      container({ state: { waiting: { reason: "SomethingNew", message: "no idea" } } }),
    );
    const findings = kubernetesFindings(stateOf({ pods: [strange] }), NOW_MS);
    for (const finding of findings) expect(finding.fix !== undefined).toBe(finding.state !== "ok");
    expect(findings[0]?.fix).toContain("kubectl describe pods");
  });
});

describe("the doctor of workloads", () => {
  const workload = (replicas: number, readyReplicas?: number, annotations = {}): object => ({
    kind: "StatefulSet",
    metadata: { name: "aios-storage", annotations },
    spec: { replicas },
    status: readyReplicas === undefined ? {} : { readyReplicas },
  });

  it("names one that wants no pod, though all pods that are there are well", () => {
    expect(troubles(stateOf({ workloads: [workload(0)] }))).toMatchObject([
      { name: "aios-storage", state: "problem", fix: expect.stringContaining("statefulset/aios-storage") },
    ]);
  });

  it("says of one that a backup has stopped how many pods it had", () => {
    const stopped = workload(0, undefined, { "aios.network/replicas-before-stop": "3" });
    expect(troubles(stateOf({ workloads: [stopped] }))[0]?.detail).toMatch(/a backup or a restore.* 3 pods/);
  });

  it("names them also where no pod is left at all, and looks for no other namespace", () => {
    const names = troubles(stateOf({ pods: [], workloads: [workload(0)] })).map(({ name }) => name);
    expect(names).toEqual(["pods", "aios-storage"]);
  });

  it.each([
    [2, 2, []],
    [2, 1, ["warning"]],
    [2, undefined, ["problem"]],
  ])("judges %i wanted and %s ready pods", (wanted, ready, states) => {
    const found = troubles(stateOf({ workloads: [workload(wanted, ready)] }));
    expect(found.map(({ state }) => state)).toEqual(states);
  });
});
