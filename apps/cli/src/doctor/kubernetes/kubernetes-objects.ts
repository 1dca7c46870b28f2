import { z } from "zod";

/** The little of Kubernetes' objects that the doctor reads, as `kubectl get --output json` writes them. */

const reason = { reason: z.string().optional(), message: z.string().optional() };

const ended = z.object({
  ...reason,
  exitCode: z.number().optional(),
  signal: z.number().optional(),
  finishedAt: z.string().nullish(),
});

const containerState = z.object({
  waiting: z.object(reason).optional(),
  running: z.object({ startedAt: z.string().nullish() }).optional(),
  terminated: ended.optional(),
});

const containerStatus = z.object({
  name: z.string(),
  image: z.string().default(""),
  ready: z.boolean(),
  restartCount: z.number(),
  state: containerState.default({}),
  lastState: containerState.default({}),
});

const metadata = z.object({
  name: z.string(),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
  deletionTimestamp: z.string().optional(),
});

const pod = z.object({
  metadata,
  spec: z.object({
    nodeName: z.string().optional(),
    containers: z.array(
      z.object({
        name: z.string(),
        ports: z.array(z.object({ name: z.string().optional(), containerPort: z.number() })).default([]),
      }),
    ),
  }),
  status: z.object({
    ...reason,
    phase: z.enum(["Pending", "Running", "Succeeded", "Failed", "Unknown"]),
    conditions: z.array(z.object({ type: z.string(), status: z.string(), ...reason })).default([]),
    initContainerStatuses: z.array(containerStatus).default([]),
    containerStatuses: z.array(containerStatus).default([]),
  }),
});

const workload = z.object({
  kind: z.string().default(""),
  metadata,
  spec: z.object({ replicas: z.number().default(1) }).default({ replicas: 1 }),
  status: z.object({ readyReplicas: z.number().default(0) }).default({ readyReplicas: 0 }),
});

const event = z.object({
  type: z.string().default("Normal"),
  reason: z.string().default(""),
  message: z.string().default(""),
  involvedObject: z.object({ kind: z.string().default(""), name: z.string().default("") }),
  lastTimestamp: z.string().nullish(),
  eventTime: z.string().nullish(),
  firstTimestamp: z.string().nullish(),
});

const claim = z.object({
  metadata,
  spec: z.object({ storageClassName: z.string().optional() }),
  status: z.object({ phase: z.string().default("") }),
});

const node = z.object({
  metadata,
  status: z.object({
    allocatable: z.record(z.string(), z.string()).default({}),
    conditions: z.array(z.object({ type: z.string(), status: z.string(), ...reason })).default([]),
  }),
});

const storageClass = z.object({ metadata });

export type Pod = z.infer<typeof pod>;
export type Workload = z.infer<typeof workload>;
export type ContainerStatus = z.infer<typeof containerStatus>;
export type KubernetesEvent = z.infer<typeof event>;
export type Claim = z.infer<typeof claim>;
export type KubernetesNode = z.infer<typeof node>;
export type StorageClass = z.infer<typeof storageClass>;

const listOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item) });

/** By the resource's name in `kubectl get`. */
export const LISTS = {
  pods: listOf(pod),
  "deployments,statefulsets": listOf(workload),
  events: listOf(event),
  persistentvolumeclaims: listOf(claim),
  nodes: listOf(node),
  storageclasses: listOf(storageClass),
} as const;

/** All that was asked of a cluster; what the caller may not see is undefined. */
export interface ClusterState {
  readonly namespace: string;
  readonly pods: readonly Pod[];
  readonly workloads: readonly Workload[] | undefined;
  readonly events: readonly KubernetesEvent[];
  readonly claims: readonly Claim[];
  readonly nodes: readonly KubernetesNode[] | undefined;
  readonly storageClasses: readonly StorageClass[] | undefined;
}

const LABEL = "app.kubernetes.io";

/** The service that a pod belongs to. */
export function serviceOf({ metadata: { name, labels } }: Pod): string {
  return labels[`${LABEL}/name`] ?? name;
}

/** A pod or workload of AiOS, or of a server that its release brings along. */
export function isOurs(
  { metadata: { labels } }: Pick<Pod, "metadata">,
  release: string | undefined,
): boolean {
  const ofRelease = release === undefined || labels[`${LABEL}/instance`] === release;
  return ofRelease && (labels[`${LABEL}/part-of`] === "aios" || labels[`${LABEL}/component`] === "backend");
}

/** When it was last seen, in milliseconds; undefined where Kubernetes does not say. */
export function seenAtMs({ lastTimestamp, eventTime, firstTimestamp }: KubernetesEvent): number | undefined {
  const at = Date.parse(lastTimestamp ?? eventTime ?? firstTimestamp ?? "");
  return Number.isNaN(at) ? undefined : at;
}
