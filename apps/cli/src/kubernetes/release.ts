import { CodedError } from "@aios/kernel/coded-error";
import { parseAllDocuments } from "yaml";
import type { KubernetesObject } from "./kubectl.js";

/** A release as its chart renders it, as far as its state is concerned. */
export interface ReleaseShape {
  /** Image with the commands that run beside the state, and how it is pulled. */
  readonly image: PodImage;
  readonly claims: readonly ClaimTemplate[];
  /** Databases of servers outside the release, by service. */
  readonly databases: readonly SecretKey[];
  /** Where events go, unless to a server of the release. */
  readonly events: SecretKey | undefined;
  /** Secret and ConfigMap of the network. */
  readonly network: readonly string[];
  readonly hasConsensus: boolean;
  readonly hasKubo: boolean;
  /** Workloads that KEDA scales: it would start them again. */
  readonly kedaScaled: readonly string[];
  /** CronJobs, such as the renewal of certificates. */
  readonly schedules: readonly string[];
}

export interface PodImage {
  readonly image: string;
  readonly imagePullPolicy: string;
  readonly imagePullSecrets: readonly object[];
}

/** What a StatefulSet asks for beside each of its pods, and as whom these read it. */
export interface ClaimTemplate {
  readonly statefulSet: string;
  readonly template: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: object;
  readonly placement: Placement;
}

export interface Placement {
  readonly securityContext: object;
  readonly nodeSelector?: object;
  readonly tolerations?: readonly object[];
}

export interface SecretKey {
  readonly service: string;
  readonly secret: string;
  readonly key: string;
}

interface Workload extends KubernetesObject {
  readonly spec: {
    readonly template: { readonly spec: PodSpec };
    readonly volumeClaimTemplates?: readonly {
      readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
      readonly spec: object;
    }[];
    readonly scaleTargetRef?: { readonly name: string };
  };
}

interface PodSpec extends Placement {
  readonly imagePullSecrets?: readonly object[];
  readonly containers: readonly {
    readonly image: string;
    readonly imagePullPolicy: string;
    readonly env?: readonly EnvVariable[];
  }[];
  readonly volumes?: readonly {
    readonly name: string;
    readonly secret?: { readonly secretName: string };
    readonly configMap?: { readonly name: string };
  }[];
}

interface EnvVariable {
  readonly name: string;
  readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string; readonly key: string } };
}

/** Reads the manifests of a release, hooks included. Throws `not-aios` for those of another chart. */
export function releaseShape(release: string, manifests: string): ReleaseShape {
  const objects = parseAllDocuments(manifests)
    .map((document) => document.toJS() as Workload | null)
    .filter((object) => object !== null);
  const workloads = objects.filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet");
  const [pod, container] = podOf(objects.find(({ metadata }) => metadata.name === `${release}-main-job`));
  if (pod === undefined || container === undefined) throw notAios(release);
  const { image, imagePullPolicy } = container;
  const isThere = (name: string): boolean =>
    workloads.some(({ metadata }) => metadata.name === `${release}-${name}`);
  const databases = isThere("postgres") ? [] : secretKeys(release, workloads, "DATABASE_URL");
  const [events] = secretKeys(release, workloads, "EVENT_BUS_URL");
  const databaseSecrets = secretKeys(release, workloads, "DATABASE_URL").map(({ secret }) => secret);
  const isBundled =
    isThere("kafka") ||
    (isThere("postgres") && events !== undefined && databaseSecrets.includes(events.secret));
  return {
    image: { image, imagePullPolicy, imagePullSecrets: pod.imagePullSecrets ?? [] },
    claims: workloads.flatMap(claimTemplates),
    databases,
    events: events === undefined || isBundled ? undefined : { ...events, service: "events" },
    network: networkObjects(workloads),
    hasConsensus: isThere("consensus"),
    hasKubo: secretKeys(release, workloads, "KUBO_RPC_URL").length > 0,
    kedaScaled: objects
      .filter(({ kind }) => kind === "ScaledObject")
      .map(({ spec }) => spec.scaleTargetRef?.name ?? ""),
    schedules: objects.filter(({ kind }) => kind === "CronJob").map(({ metadata }) => metadata.name),
  };
}

function podOf(
  workload: Workload | undefined,
): readonly [PodSpec | undefined, PodSpec["containers"][number] | undefined] {
  if (workload === undefined) return [undefined, undefined];
  // Helm's test is a pod, and was a Job in charts before.
  const pod = workload.kind === "Pod" ? (workload.spec as unknown as PodSpec) : workload.spec.template.spec;
  return [pod, pod.containers[0]];
}

function claimTemplates({ metadata, spec }: Workload): readonly ClaimTemplate[] {
  const { securityContext, nodeSelector, tolerations } = spec.template.spec;
  return (spec.volumeClaimTemplates ?? []).map((claim) => ({
    statefulSet: metadata.name,
    template: claim.metadata.name,
    labels: claim.metadata.labels ?? {},
    spec: claim.spec,
    placement: {
      securityContext,
      ...(nodeSelector === undefined ? {} : { nodeSelector }),
      ...(tolerations === undefined ? {} : { tolerations }),
    },
  }));
}

function secretKeys(release: string, workloads: readonly Workload[], variable: string): readonly SecretKey[] {
  return workloads.flatMap((workload) => {
    const env = podOf(workload)[1]?.env ?? [];
    const secret = env.find(({ name }) => name === variable)?.valueFrom?.secretKeyRef;
    const service = workload.metadata.name.slice(release.length + 1);
    return secret === undefined ? [] : [{ service, secret: secret.name, key: secret.key }];
  });
}

/** As `kind/name`; whatever else pods mount is made anew, or the operator's. */
function networkObjects(workloads: readonly Workload[]): readonly string[] {
  const found = workloads.flatMap((workload) =>
    (podOf(workload)[0]?.volumes ?? []).flatMap(({ name, secret, configMap }) => [
      ...(secret !== undefined && ["keys", "network", "honor"].includes(name)
        ? [`Secret/${secret.secretName}`]
        : []),
      ...(configMap !== undefined && name === "network" ? [`ConfigMap/${configMap.name}`] : []),
    ]),
  );
  return [...new Set(found)];
}

const notAios = (release: string): CodedError =>
  new CodedError({
    code: "not-aios",
    kind: "invalid",
    message: `The release ${release} is not of AiOS' umbrella chart, or not as a whole. Name the right one with --release.`,
  });
