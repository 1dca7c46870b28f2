import { type Finding, ok, problem, warning } from "../finding.js";
import { fixFor } from "./known-causes.js";
import {
  type ClusterState,
  type ContainerStatus,
  type KubernetesEvent,
  type KubernetesNode,
  type Pod,
  seenAtMs,
  serviceOf,
} from "./kubernetes-objects.js";
import { workloadFindings } from "./workload-findings.js";

const MINUTE_MS = 60_000;
/** A restart longer ago is history. */
const RECENT_RESTART_MS = 24 * 60 * MINUTE_MS;
/** Kubernetes keeps events for an hour; one that nothing repeats says nothing of now. */
const RECENT_EVENT_MS = 15 * MINUTE_MS;
const MOST_CHARACTERS = 400;
const DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class";

/** What Kubernetes knows of the pods, their disks and nodes, judged: each finding with its fix. Pure. */
export function kubernetesFindings(state: ClusterState, nowMs: number): readonly Finding[] {
  const { pods, namespace } = state;
  if (pods.length === 0 && (state.workloads ?? []).length === 0)
    return [
      problem(
        "pods",
        `No pod of AiOS is in the namespace ${namespace}.`,
        "Name the release's namespace with --namespace ('helm list --all-namespaces' tells it).",
      ),
    ];
  const judged = pods.filter((pod) => !isOver(pod, pods));
  if (judged.length === 0)
    return [
      problem(
        "pods",
        `Nothing of AiOS runs in the namespace ${namespace}; what is left of it has ended (${pods.length} pods).`,
        "See 'kubectl get deployments,statefulsets'. Where a backup or a restore was cut off, the same command again starts it.",
      ),
      ...workloadFindings(state),
    ];
  const found = judged.flatMap((pod) => podFindings(pod, state, nowMs));
  const ready = judged.filter(isReady).length;
  return [
    ...(found.length === 0
      ? [ok("pods", `all ${ready} run and are ready, none restarted within a day`)]
      : found),
    ...workloadFindings(state),
    ...claimFindings(state, nowMs),
    ...makerFindings(state, nowMs),
    ...nodeFindings(state.nodes),
  ];
}

/** Pods that were Jobs and went through, that leave, or whose Job has gone through since. */
function isOver(pod: Pod, pods: readonly Pod[]): boolean {
  const { status, metadata } = pod;
  if (status.phase === "Succeeded" || metadata.deletionTimestamp !== undefined) return true;
  const job = metadata.labels["batch.kubernetes.io/job-name"];
  return (
    job !== undefined &&
    status.phase === "Failed" &&
    pods.some(
      (other) =>
        other.metadata.labels["batch.kubernetes.io/job-name"] === job && other.status.phase === "Succeeded",
    )
  );
}

function isReady({ status }: Pod): boolean {
  return status.conditions.some(({ type, status: value }) => type === "Ready" && value === "True");
}

function podFindings(pod: Pod, state: ClusterState, nowMs: number): readonly Finding[] {
  const { name } = pod.metadata;
  const service = serviceOf(pod);
  if (isReady(pod)) {
    const restart = lastRestart(pod, nowMs);
    return restart === undefined ? [] : [warning(name, restart, fixFor(restart, service))];
  }
  const why = whyNotReady(pod);
  const event = lastWarning(state.events, "Pod", name, nowMs);
  const more = event !== undefined && !why.includes(event.message);
  const said = more ? `${why} (${event.reason}: ${event.message})` : why;
  const room = /Insufficient (memory|cpu)/.test(said) ? largestNode(state.nodes) : "";
  return [problem(name, `${cut(said)}${room}`, fixFor(said, service))];
}

/** The most telling reason that Kubernetes has, in a sentence. */
function whyNotReady({ status, spec }: Pod): string {
  const unscheduled = status.conditions.find(
    ({ type, status: value }) => type === "PodScheduled" && value === "False",
  );
  if (unscheduled !== undefined) return `It has no node: ${unscheduled.message ?? unscheduled.reason ?? ""}`;
  if (status.phase === "Failed" && status.reason !== undefined)
    return `It was ended, ${status.reason}: ${status.message ?? ""}`;
  const containers = [...status.initContainerStatuses, ...status.containerStatuses];
  for (const container of containers) {
    const reason = whyContainerWaits(container);
    if (reason !== undefined) return reason;
  }
  if (status.phase === "Pending") return `It waits on node ${spec.nodeName ?? "?"} to be started.`;
  return "It runs and is not ready.";
}

function whyContainerWaits({ name, image, ready, state, lastState }: ContainerStatus): string | undefined {
  const { waiting, terminated } = state;
  if (terminated !== undefined && terminated.exitCode !== 0) return `${name} ended: ${endOf(terminated)}`;
  if (ready || waiting === undefined || waiting.reason === "PodInitializing") return undefined;
  if (waiting.reason === "ContainerCreating") return undefined;
  const last = lastState.terminated === undefined ? "" : `; it ended before: ${endOf(lastState.terminated)}`;
  const ofImage = /Image/.test(waiting.reason ?? "") ? ` of ${image}` : "";
  return `${name} waits, ${waiting.reason ?? "no reason"}${ofImage}: ${waiting.message ?? ""}${last}`;
}

function endOf(end: NonNullable<ContainerStatus["state"]["terminated"]>): string {
  const lastSaid = end.message?.trim().split("\n").at(-1);
  const how = end.reason === "OOMKilled" ? "OOMKilled" : `exit code ${end.exitCode ?? "?"}`;
  return lastSaid === undefined || lastSaid === "" ? how : `${how}: ${lastSaid}`;
}

/** Of a pod that is well now: why it was started again, where that is not long ago. */
function lastRestart({ status }: Pod, nowMs: number): string | undefined {
  for (const { name, restartCount, lastState } of status.containerStatuses) {
    const end = lastState.terminated;
    const agoMs = nowMs - Date.parse(end?.finishedAt ?? "");
    if (restartCount === 0 || end === undefined || !(agoMs <= RECENT_RESTART_MS)) continue;
    const times = restartCount === 1 ? "once" : `${restartCount} times`;
    return `${name} was started again ${times}, last ${minutes(agoMs)} ago: ${cut(endOf(end))}`;
  }
  return undefined;
}

function claimFindings({ claims, events, storageClasses }: ClusterState, nowMs: number): readonly Finding[] {
  const waiting = claims.filter(({ status }) => status.phase !== "Bound");
  const isDefault = ({ metadata }: { metadata: { annotations: Record<string, string> } }): boolean =>
    metadata.annotations[DEFAULT_CLASS] === "true";
  return waiting.map(({ metadata: { name }, spec, status }) => {
    const event = lastWarning(events, "PersistentVolumeClaim", name, nowMs);
    const classless = spec.storageClassName === undefined && storageClasses?.some(isDefault) === false;
    const why = classless
      ? "the cluster has no default storage class"
      : (event?.message ?? "no volume was made for it yet");
    const known = storageClasses?.map((one) => one.metadata.name).join(", ") ?? "";
    return problem(
      "disks",
      `The claim ${name} is ${status.phase}: ${cut(why)}.`,
      `Mark a storage class as the default, or name one in persistence.storageClassName${known === "" ? " (there is none yet)" : `: ${known}`}; a claim that is there keeps its class and has to be deleted first.`,
    );
  });
}

/** What could not even make a pod. */
function makerFindings({ events }: ClusterState, nowMs: number): readonly Finding[] {
  const makers = /^(ReplicaSet|StatefulSet|Job|DaemonSet|Deployment|CronJob)$/;
  const names = new Set(
    events
      .filter(({ involvedObject, reason }) => makers.test(involvedObject.kind) && reason === "FailedCreate")
      .map(({ involvedObject }) => involvedObject.name),
  );
  return [...names].flatMap((name) => {
    const event = lastOf(
      events.filter((one) => one.involvedObject.name === name && one.reason === "FailedCreate"),
    );
    return event === undefined || !isRecent(event, nowMs)
      ? []
      : [problem(name, `No pod could be made: ${cut(event.message)}`, fixFor(event.message, name))];
  });
}

function nodeFindings(nodes: readonly KubernetesNode[] | undefined): readonly Finding[] {
  if (nodes === undefined) return [];
  const bad = nodes.flatMap(({ metadata: { name }, status }) =>
    status.conditions
      .filter(({ type, status: value }) => (type === "Ready" ? value !== "True" : value === "True"))
      .map(({ type, message = "" }) =>
        problem(
          "nodes",
          `${name}: ${type === "Ready" ? "not ready" : type}: ${cut(message)}`,
          `See 'kubectl describe node ${name}'; take it out with 'kubectl drain ${name}' until it is well.`,
        ),
      ),
  );
  return bad.length > 0 ? bad : [ok("nodes", `${nodes.length} ready`)];
}

function largestNode(nodes: readonly KubernetesNode[] | undefined): string {
  const sizes = nodes?.map(({ metadata: { name }, status: { allocatable } }) => {
    return `${name} gives ${allocatable["cpu"] ?? "?"} cores and ${allocatable["memory"] ?? "?"} of memory`;
  });
  return sizes === undefined || sizes.length === 0 ? "" : ` Of the nodes, ${sizes.slice(0, 3).join("; ")}.`;
}

function lastWarning(
  events: readonly KubernetesEvent[],
  kind: string,
  name: string,
  nowMs: number,
): KubernetesEvent | undefined {
  return lastOf(
    events.filter(
      (event) =>
        event.type === "Warning" &&
        event.involvedObject.kind === kind &&
        event.involvedObject.name === name &&
        isRecent(event, nowMs),
    ),
  );
}

function isRecent(event: KubernetesEvent, nowMs: number): boolean {
  const at = seenAtMs(event);
  return at !== undefined && nowMs - at <= RECENT_EVENT_MS;
}

function lastOf(events: readonly KubernetesEvent[]): KubernetesEvent | undefined {
  return [...events].sort((a, b) => (seenAtMs(a) ?? 0) - (seenAtMs(b) ?? 0)).at(-1);
}

function minutes(ms: number): string {
  return ms < 2 * MINUTE_MS ? "a minute" : `${Math.round(ms / MINUTE_MS)} minutes`;
}

function cut(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length <= MOST_CHARACTERS ? line : `${line.slice(0, MOST_CHARACTERS)}…`;
}
