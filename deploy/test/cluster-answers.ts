import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHART } from "./helm.js";

/** What a cluster has when a chart asks for it. */
export interface ClusterObjects {
  /** Keys by name, as of the ConfigMaps; or what they hold. */
  readonly secrets?: Readonly<Record<string, readonly string[] | Readonly<Record<string, string>>>>;
  readonly configmaps?: Readonly<Record<string, readonly string[]>>;
  readonly nodes?: readonly { readonly memory: string }[];
  readonly priorityClasses?: readonly string[];
  readonly storageClasses?: readonly { readonly name: string; readonly isDefault: boolean }[];
}

const KINDS: Readonly<Record<string, readonly (readonly [string, string, boolean])[]>> = {
  v1: [
    ["namespaces", "Namespace", false],
    ["nodes", "Node", false],
    ["persistentvolumes", "PersistentVolume", false],
    ["secrets", "Secret", true],
    ["configmaps", "ConfigMap", true],
  ],
  "storage.k8s.io/v1": [["storageclasses", "StorageClass", false]],
  "scheduling.k8s.io/v1": [["priorityclasses", "PriorityClass", false]],
};
const DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class";

/** What an install with the production values is refused with in such a cluster; undefined where it would begin. */
export async function refusal(
  objects: ClusterObjects,
  ...args: readonly string[]
): Promise<string | undefined> {
  const server = createServer(({ url = "/" }, response) => {
    const answer = answerTo(new URL(url, "http://cluster").pathname, objects);
    response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer ?? NOT_FOUND));
  });
  const folder = mkdtempSync(join(tmpdir(), "aios-cluster-"));
  try {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const config = join(folder, "config");
    writeFileSync(config, kubeconfig((server.address() as AddressInfo).port));
    return await complaint([
      ...["template", "aios", CHART, "--namespace", "aios", "--dry-run=server", "--kubeconfig", config],
      ...["--values", `${CHART}/values-production.yaml`, ...args],
    ]);
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
}

const NOT_FOUND = { kind: "Status", apiVersion: "v1", status: "Failure", reason: "NotFound", code: 404 };

function answerTo(path: string, objects: ClusterObjects): object | undefined {
  const [, version, resource, name] =
    /^\/apis?\/((?:[a-z0-9.]+\/)?v1)(?:\/namespaces\/aios)?(?:\/([a-z]+)(?:\/([^/]+))?)?$/.exec(path) ?? [];
  if (path === "/version") return { major: "1", minor: "33", gitVersion: "v1.33.0" };
  if (path === "/api") return { kind: "APIVersions", versions: ["v1"] };
  if (path === "/apis") return groups();
  if (version === undefined) return undefined;
  const kinds = KINDS[version];
  if (kinds === undefined) return undefined;
  if (resource === undefined)
    return {
      kind: "APIResourceList",
      groupVersion: version,
      resources: kinds.map(([plural, kind, namespaced]) => ({
        name: plural,
        kind,
        namespaced,
        verbs: ["get", "list"],
      })),
    };
  const kind = kinds.find(([plural]) => plural === resource)?.[1];
  if (kind === undefined) return undefined;
  const items = stored(resource, objects).map((item) => ({ apiVersion: version, kind, ...item }));
  if (name === undefined) return { apiVersion: version, kind: `${kind}List`, items };
  return items.find((item) => item.metadata.name === name);
}

function groups(): object {
  return {
    kind: "APIGroupList",
    groups: ["storage.k8s.io", "scheduling.k8s.io"].map((name) => {
      const version = { groupVersion: `${name}/v1`, version: "v1" };
      return { name, versions: [version], preferredVersion: version };
    }),
  };
}

interface Stored {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly [field: string]: unknown;
}

function stored(resource: string, objects: ClusterObjects): readonly Stored[] {
  switch (resource) {
    case "namespaces":
      return [{ metadata: { name: "kube-system" } }];
    case "nodes":
      return (objects.nodes ?? []).map(({ memory }, index) => ({
        metadata: { name: `node-${index}` },
        status: { allocatable: { memory } },
      }));
    case "secrets":
      return withKeys(objects.secrets);
    case "configmaps":
      return withKeys(objects.configmaps);
    case "priorityclasses":
      return (objects.priorityClasses ?? []).map((name) => ({ metadata: { name }, value: 1 }));
    case "storageclasses":
      return (objects.storageClasses ?? []).map(({ name, isDefault }) => ({
        metadata: { name, annotations: { [DEFAULT_CLASS]: String(isDefault) } },
      }));
    default:
      return [];
  }
}

function withKeys(objects: ClusterObjects["secrets"] = {}): readonly Stored[] {
  return Object.entries(objects).map(([name, held]) => {
    const entries = Array.isArray(held) ? held.map((key) => [key, "x"]) : Object.entries(held);
    const data = entries.map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
    return { metadata: { name }, data: Object.fromEntries(data) };
  });
}

function kubeconfig(port: number): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "fake", cluster: { server: `http://127.0.0.1:${port}` } }],
    contexts: [{ name: "fake", context: { cluster: "fake", user: "" } }],
    "current-context": "fake",
  });
}

function complaint(args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile("helm", [...args], { maxBuffer: 64 * 1024 ** 2 }, (error, _out, said) =>
      resolve(error === null ? undefined : said.trim()),
    );
  });
}
