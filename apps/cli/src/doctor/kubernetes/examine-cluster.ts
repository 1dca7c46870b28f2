import { isCodedError } from "@aios/kernel/coded-error";
import type { OperatedService } from "@aios/sdk/operations-types";
import { systemClock } from "@aios/service-kit/system-clock";
import type { z } from "zod";
import { answerAs, type Kubectl } from "../../kubernetes/kubectl.js";
import { processFindings } from "../cluster-findings.js";
import { type Finding, ok, problem, warning } from "../finding.js";
import { type ClusterState, isOurs, LISTS, type Pod, serviceOf } from "./kubernetes-objects.js";
import { kubernetesFindings } from "./pod-findings.js";

/** What a pod says of itself at its health port. */
export type AskPod = (pod: string, port: number) => Promise<OperatedService>;

const ASKED_AT_ONCE = 4;
const HEALTH_PORT = "health";
const REACH_FIX =
  "Check the kubeconfig ('kubectl get pods'), --context and --namespace; the doctor needs get and list on pods, events and persistentvolumeclaims, and create on pods/portforward.";

/**
 * Everything about a release in a cluster, or all of AiOS in the namespace: what Kubernetes knows of its pods, and what each
 * of them says of itself.
 */
export async function examineCluster(
  kubectl: Pick<Kubectl, "get" | "namespace">,
  ask: AskPod,
  release: string | undefined,
): Promise<readonly Finding[]> {
  let state: ClusterState;
  try {
    state = await readState(kubectl, release);
  } catch (error) {
    if (!isCodedError(error)) throw error;
    return [problem("kubernetes", error.message, REACH_FIX)];
  }
  const asked = await askAll(ask, state.pods);
  const namesService = new Map(state.pods.map((pod) => [pod.metadata.name, serviceOf(pod)]));
  return [
    ...kubernetesFindings(state, systemClock.now()),
    ...(state.workloads === undefined
      ? [
          warning(
            "rights",
            "Deployments and StatefulSets may not be listed here: one that wants no pod goes unseen.",
            "Have get and list on deployments and statefulsets granted, or ask whoever may: 'kubectl get deployments,statefulsets'.",
          ),
        ]
      : []),
    ...(state.nodes === undefined || state.storageClasses === undefined
      ? [
          warning(
            "rights",
            "Nodes or storage classes may not be listed here.",
            "Ask whoever may: 'kubectl get nodes,storageclasses'.",
          ),
        ]
      : []),
    ...(asked.length === 0 ? [] : answerFindings(asked, (pod) => namesService.get(pod) ?? pod)),
  ];
}

function answerFindings(
  asked: readonly OperatedService[],
  serviceOfPod: (pod: string) => string,
): readonly Finding[] {
  const silent = asked.filter(({ state }) => state === "silent");
  const answered = asked.length - silent.length;
  return [
    ok("asked", `${answered} of ${asked.length} running pods said how they are`),
    ...silent.map(({ name, problem: why }) =>
      problem(
        name,
        `It runs and does not answer at its health port: ${why ?? "no answer"}`,
        `See 'kubectl logs ${name}'; asking needs the right to forward ports (create on pods/portforward).`,
      ),
    ),
    ...processFindings(
      asked.filter(({ state }) => state !== "silent"),
      serviceOfPod,
    ),
  ];
}

async function readState(
  kubectl: Pick<Kubectl, "get" | "namespace">,
  release: string | undefined,
): Promise<ClusterState> {
  const items = async <T>(resource: string, form: z.ZodType<{ items: T[] }>): Promise<readonly T[]> =>
    answerAs(form, resource, await kubectl.get(resource)).items;
  const [namespace, pods, workloads, events, claims, nodes, storageClasses] = await Promise.all([
    kubectl.namespace(),
    items("pods", LISTS.pods),
    items("deployments,statefulsets", LISTS["deployments,statefulsets"]).catch(unseen),
    items("events", LISTS.events),
    items("persistentvolumeclaims", LISTS.persistentvolumeclaims),
    // The cluster's own objects are more than most operators of a namespace may see.
    items("nodes", LISTS.nodes).catch(unseen),
    items("storageclasses", LISTS.storageclasses).catch(unseen),
  ]);
  return {
    namespace,
    pods: pods.filter((pod) => isOurs(pod, release)),
    workloads: workloads?.filter((workload) => isOurs(workload, release)),
    events,
    claims,
    nodes,
    storageClasses,
  };
}

function unseen(error: unknown): undefined {
  if (!isCodedError(error) || error.code !== "kubectl-failed") throw error;
  return undefined;
}

/** Every pod whose container runs and that has a health port, a few at a time. */
async function askAll(ask: AskPod, pods: readonly Pod[]): Promise<readonly OperatedService[]> {
  const waiting = pods.flatMap((pod) => {
    const port = healthPort(pod);
    const runs = pod.status.containerStatuses.some(({ state }) => state.running !== undefined);
    return port === undefined || !runs || pod.metadata.deletionTimestamp !== undefined
      ? []
      : [{ name: pod.metadata.name, port }];
  });
  const answers: OperatedService[] = [];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      answers.push(await ask(next.name, next.port));
  };
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, worker));
  return answers.sort((a, b) => a.name.localeCompare(b.name));
}

function healthPort({ spec }: Pod): number | undefined {
  return spec.containers.flatMap(({ ports }) => ports).find(({ name }) => name === HEALTH_PORT)
    ?.containerPort;
}
