import { STOPPED_WITH } from "../../kubernetes/workloads.js";
import { type Finding, problem, warning } from "../finding.js";
import type { ClusterState, Workload } from "./kubernetes-objects.js";

/** Workloads that want no pod, of which no pod tells anything, and those that have fewer ready ones than they want. Pure. */
export function workloadFindings({ workloads = [] }: Pick<ClusterState, "workloads">): readonly Finding[] {
  return workloads.flatMap((workload) => {
    const { name } = workload.metadata;
    const wanted = workload.spec.replicas;
    const ready = workload.status.readyReplicas;
    if (wanted === 0) return [stopped(workload)];
    if (ready >= wanted) return [];
    const tell = ready === 0 ? problem : warning;
    return [
      tell(
        name,
        `${ready} of the ${wanted} pods that it wants are ready.`,
        `See what is said of its pods here; where it has too few: 'kubectl describe ${resource(workload)}'. During an upgrade it passes.`,
      ),
    ];
  });
}

function stopped(workload: Workload): Finding {
  const { name, annotations } = workload.metadata;
  const before = annotations[STOPPED_WITH];
  return before === undefined
    ? problem(
        name,
        "It wants 0 pods: nothing of it runs.",
        `Start it: 'kubectl scale ${resource(workload)} --replicas=1', or by helm upgrade with as many as it should have; a service that is not wanted is taken out by its 'enabled: false'.`,
      )
    : problem(
        name,
        `It was stopped for a backup or a restore, and had ${before} pods.`,
        "Where none is at work now, the same command again finishes it and starts what it had stopped; so does helm upgrade.",
      );
}

const resource = ({ kind, metadata }: Workload): string =>
  `${(kind || "Deployment").toLowerCase()}/${metadata.name}`;
