import { CodedError } from "@aios/kernel/coded-error";
import {
  type ArchivedVolume,
  CLUSTER_FORMAT,
  type ClusterAbout,
} from "@aios/launcher/backup/cluster-archive";
import type { ChainHead } from "./chain-head.js";
import type { InstalledRelease } from "./helm.js";
import type { Kubectl, KubernetesObject } from "./kubectl.js";
import type { StoredObject } from "./network-objects.js";
import type { Operation } from "./operation.js";
import type { ClaimTemplate, ReleaseShape, SecretKey } from "./release.js";
import type { Workload } from "./workloads.js";

/** A claim that is there, and how a pod beside it has to be. */
export interface FoundVolume extends ArchivedVolume {
  readonly placement: ClaimTemplate["placement"];
}

interface Inventory {
  readonly running: readonly Workload[];
  readonly volumes: readonly FoundVolume[];
  readonly servers: OutsideServers;
  readonly shape: ReleaseShape;
}

const KUBO = "contents on the Kubo node of global.kubo, whose repository its operator backs up";

/** The claims of the release's StatefulSets, those of pods that it has no more included. */
export async function claimsThere(
  { kubectl }: Pick<Operation, "kubectl">,
  { claims }: Pick<ReleaseShape, "claims">,
): Promise<readonly FoundVolume[]> {
  const there = await kubectl.list<KubernetesObject>("persistentvolumeclaims");
  return claims.flatMap(({ statefulSet, template, placement }) => {
    const prefix = `${template}-${statefulSet}-`;
    return there
      .map(({ metadata }) => metadata.name)
      .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
      .sort()
      .map((claim) => ({ claim, statefulSet, template, placement }));
  });
}

/** Servers outside the release that hold a part of its state, by the Secrets that name them. */
export interface OutsideServers {
  /** Databases that are copied as rows, that of the embedded event log included. */
  readonly databases: readonly SecretKey[];
  /** Kafka, whose events are copied that nobody has handled. */
  readonly kafka: SecretKey | undefined;
}

/** Throws `secret-missing`. */
export async function outsideServers(
  { kubectl }: Pick<Operation, "kubectl">,
  { databases, events }: Pick<ReleaseShape, "databases" | "events">,
): Promise<OutsideServers> {
  for (const database of databases) await secretValue(kubectl, database);
  if (events === undefined) return { databases, kafka: undefined };
  const isKafka = /^kafkas?:/.test(await secretValue(kubectl, events));
  return isKafka ? { databases, kafka: events } : { databases: [...databases, events], kafka: undefined };
}

/** Whatever a pod beside the servers outside has to know. */
export function secretsOf({ databases, kafka }: OutsideServers): readonly SecretKey[] {
  return kafka === undefined ? databases : [...databases, kafka];
}

async function secretValue(kubectl: Kubectl, { secret, key }: SecretKey): Promise<string> {
  const secrets = await kubectl.list<StoredObject>("secrets");
  const value = secrets.find(({ metadata }) => metadata.name === secret)?.data?.[key];
  if (value !== undefined) return Buffer.from(value, "base64").toString("utf8");
  throw new CodedError({
    code: "secret-missing",
    kind: "not-found",
    message: `The Secret ${secret} with the key ${key} is not in the namespace; it names a server that holds a part of the state.`,
    details: { secret, key },
  });
}

/** What the archive says of itself. */
export function aboutOf(
  { namespace, release }: Pick<Operation, "namespace" | "release">,
  { shape, values }: InstalledRelease,
  {
    chain,
    volumes,
    servers: { databases, kafka },
  }: Pick<Inventory, "volumes" | "servers"> & { readonly chain: ChainHead | undefined },
): ClusterAbout {
  return {
    format: CLUSTER_FORMAT,
    release,
    namespace,
    version: versionOf(shape),
    values,
    ...(chain !== undefined ? { chain } : shape.hasConsensus ? { isHeadUnknown: true as const } : {}),
    network: shape.network,
    volumes: volumes.map(({ claim, statefulSet, template }) => ({ claim, statefulSet, template })),
    databases: databases.map(({ service }) => service),
    hasEvents: kafka !== undefined,
    elsewhere: shape.hasKubo ? [KUBO] : [],
  };
}

/** Tag of the image that the release's Jobs run. */
export function versionOf({ image }: Pick<ReleaseShape, "image">): string {
  return image.image.slice(image.image.lastIndexOf(":") + 1);
}

export function planOf(
  { namespace, release }: Pick<Operation, "namespace" | "release">,
  file: string,
  { running, volumes, servers: { databases, kafka }, shape }: Inventory,
): string {
  const list = (names: readonly string[]): string => (names.length === 0 ? "none" : names.join(", "));
  return [
    `Backup of ${release} in ${namespace} to ${file}:`,
    `  stopped meanwhile  ${list(running.map(({ metadata }) => metadata.name))}`,
    `  volumes            ${list(volumes.map(({ claim }) => claim))}`,
    `  databases          ${list(databases.map(({ service }) => service))}`,
    ...(kafka === undefined ? [] : ["  events             those in Kafka that no service has handled"]),
    `  keys and genesis   ${list(shape.network)}, and what else the release's Jobs made`,
    ...(shape.hasKubo ? [`  not in it          ${KUBO}`] : []),
  ].join("\n");
}
