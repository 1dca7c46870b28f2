import { CodedError } from "@aios/kernel/coded-error";
import type { Kubectl, KubernetesObject } from "./kubectl.js";

/** Secret or ConfigMap that belongs to the state: keys, genesis, passwords of the release's own servers. */
export interface StoredObject extends KubernetesObject {
  readonly kind: "Secret" | "ConfigMap";
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

const KINDS = "secrets,configmaps";

/**
 * What the release's Jobs made and `network` names (`kind/name`): nobody can make it again. Objects of the chart come
 * with the chart, and an operator's own Secrets name servers of that cluster. Throws `network-absent`.
 */
export async function readObjects(
  kubectl: Kubectl,
  release: string,
  network: readonly string[],
): Promise<readonly StoredObject[]> {
  const all = await kubectl.list<StoredObject>(KINDS);
  const isOurs = ({ kind, metadata: { name, labels = {} } }: StoredObject): boolean =>
    network.includes(`${kind}/${name}`) ||
    (labels["app.kubernetes.io/part-of"] === "aios" &&
      labels["app.kubernetes.io/instance"] === release &&
      labels["app.kubernetes.io/managed-by"] !== "Helm");
  const found = all.filter(isOurs).map(withoutServerFields);
  const missing = network.filter((name) => !found.some((object) => nameOf(object) === name));
  if (missing.length > 0) throw absent(missing);
  return found;
}

/** Puts them into the namespace, in place of those of their names. */
export async function writeObjects(kubectl: Kubectl, objects: readonly StoredObject[]): Promise<void> {
  const there = await thereOf(kubectl, objects);
  await kubectl.send(
    "replace",
    objects.filter((object) => there.includes(nameOf(object))),
  );
  await kubectl.send(
    "create",
    objects.filter((object) => !there.includes(nameOf(object))),
  );
}

/** Those that are there already, as `kind/name`. */
export async function thereOf(
  kubectl: Kubectl,
  objects: readonly StoredObject[],
): Promise<readonly string[]> {
  const there = new Set((await kubectl.list<StoredObject>(KINDS)).map(nameOf));
  return objects.map(nameOf).filter((name) => there.has(name));
}

const nameOf = ({ kind, metadata }: KubernetesObject): string => `${kind}/${metadata.name}`;

function withoutServerFields({ kind, metadata, type, data }: StoredObject): StoredObject {
  const { name, labels = {} } = metadata;
  return {
    apiVersion: "v1",
    kind,
    metadata: { name, labels },
    ...(type === undefined ? {} : { type }),
    ...(data === undefined ? {} : { data }),
  };
}

const absent = (missing: readonly string[]): CodedError =>
  new CodedError({
    code: "network-absent",
    kind: "not-found",
    message: `${missing.join(" and ")} of the network cannot be read in this namespace; without the keys a backup would be worth nothing.`,
    details: { missing },
  });
