import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";

export const CHART = fileURLToPath(new URL("../helm/aios", import.meta.url.replace("/dist/test/", "/test/")));
export const VALUE_SETS = ["small", "production", "air-gapped", "gpu"] as const;
export type ValueSet = (typeof VALUE_SETS)[number];

/** An object of Kubernetes as far as these tests look into it. */
export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly replicas?: number;
    readonly selector?: object;
    readonly serviceName?: string;
    readonly volumeClaimTemplates?: readonly object[];
    readonly podManagementPolicy?: string;
    readonly template: { readonly spec: PodSpec };
    readonly podSelector?: Selector;
    readonly ingress?: readonly { readonly from?: readonly { readonly podSelector?: Selector }[] }[];
    readonly egress?: readonly { readonly to?: readonly { readonly podSelector?: Selector }[] }[];
  };
}

export interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
}

export interface PodSpec {
  readonly automountServiceAccountToken?: boolean;
  readonly securityContext?: object;
  readonly volumes: readonly {
    readonly name: string;
    readonly secret?: {
      readonly secretName?: string;
      readonly defaultMode?: number;
      readonly items?: readonly { readonly key: string }[];
    };
  }[];
  readonly containers: readonly {
    readonly securityContext?: object;
    readonly resources: { readonly limits: Readonly<Record<string, string>>; readonly requests: object };
    readonly env?: readonly {
      readonly name: string;
      readonly value?: string;
      readonly valueFrom?: { readonly secretKeyRef?: object };
    }[];
  }[];
}

/** Whether the program can be run on this machine. */
export function isInstalled(program: string): boolean {
  return spawnSync(program, ["version"], { stdio: "ignore" }).error === undefined;
}

/** Rendering is most of what the tests take, and the same values render alike. */
const rendered = new Map<string, string>();

/** `helm template` with a value set and further arguments; its text, or its complaint as the error. */
export function render(set: ValueSet, ...args: string[]): string {
  const asked = JSON.stringify([set, ...args]);
  const text = rendered.get(asked) ?? renderAnew(set, args);
  rendered.set(asked, text);
  return text;
}

function renderAnew(set: ValueSet, args: readonly string[]): string {
  const values = `${CHART}/values-${set}.yaml`;
  return execFileSync(
    "helm",
    ["template", "aios", CHART, "--namespace", "aios", "--values", values, ...args],
    {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 64 * 1024 ** 2,
    },
  );
}

export function manifests(text: string): readonly Manifest[] {
  return parseAllDocuments(text, { version: "1.1" })
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

/** The pod template of everything that makes pods, by the object's name. */
export function podTemplates(all: readonly Manifest[]): ReadonlyMap<string, PodSpec> {
  return new Map(
    all
      .filter(({ kind }) => ["Deployment", "StatefulSet", "Job"].includes(kind))
      .map(({ kind, metadata, spec }) => [`${kind}/${metadata.name}`, spec.template.spec]),
  );
}
