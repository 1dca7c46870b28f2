import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { command } from "./command-line.js";

const CHART = fileURLToPath(new URL("../../helm/aios", import.meta.url));
const POLL_MS = 1_000;
const JOB_SECONDS = 900;
/** Where every image has it. */
const NODE = "/usr/local/bin/node";

export interface ClusterOptions {
  readonly namespace: string;
  readonly release: string;
  readonly image: {
    readonly registry: string;
    readonly tag: string;
    /** What the release is upgraded to. */
    readonly nextTag: string;
  };
  /** Values files on top of the small installation's. */
  readonly values: readonly string[];
}

/** A release of the umbrella chart in one namespace, handled as an operator would: with helm and kubectl. */
export class Cluster {
  readonly #options: ClusterOptions;

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  get namespace(): string {
    return this.#options.namespace;
  }

  get release(): string {
    return this.#options.release;
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return command("kubectl", "--namespace", this.#options.namespace, ...args);
  }

  /** The namespace, under Pod Security "restricted": the API server refuses every pod that asks for more. */
  async createNamespace(): Promise<void> {
    const { namespace } = this.#options;
    const exists = await this.kubectl("get", "namespace", namespace, "--ignore-not-found", "--output=name");
    if (exists === "") await command("kubectl", "create", "namespace", namespace);
    await command(
      ...(["kubectl", "label", "--overwrite", "namespace", namespace] as const),
      "pod-security.kubernetes.io/enforce=restricted",
      "pod-security.kubernetes.io/enforce-version=latest",
    );
  }

  /** `helm upgrade --install --wait`; resolves when every pod is ready. */
  install(...settings: readonly string[]): Promise<void> {
    return this.installFrom(CHART, ...settings);
  }

  /** The same with an umbrella chart that lies elsewhere. */
  async installFrom(chart: string, ...settings: readonly string[]): Promise<void> {
    const { release, namespace, image, values } = this.#options;
    await command(
      ...(["helm", "upgrade", "--install", release, chart, "--namespace", namespace] as const),
      ...["--values", `${chart}/values-small.yaml`, ...values.flatMap((file) => ["--values", file])],
      ...["--set", `global.image.registry=${image.registry},global.image.tag=${image.tag}`],
      ...settings.flatMap((setting) => ["--set", setting]),
      ...["--wait", "--timeout", "10m"],
    );
  }

  /** What `helm install` of another release says against these settings, before it makes anything. */
  async refusal(...settings: readonly string[]): Promise<string> {
    const { namespace, values } = this.#options;
    try {
      await command(
        ...(["helm", "install", "refused", CHART, "--namespace", namespace, "--dry-run=server"] as const),
        ...["--values", `${CHART}/values-small.yaml`, ...values.flatMap((file) => ["--values", file])],
        ...settings.flatMap((setting) => ["--set", setting]),
      );
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    return "";
  }

  async uninstall(): Promise<void> {
    const { release, namespace } = this.#options;
    await command("helm", "uninstall", release, "--namespace", namespace, "--wait", "--timeout", "5m");
  }

  /** Runs one Job of the cluster's own image and gives back its log; a failed one is an error with that log. */
  async runJob(name: string, args: readonly string[], timeoutMs: number): Promise<string> {
    await this.#startJob(name, args);
    return this.finishJob(name, timeoutMs);
  }

  /**
   * Starts a Job that goes on while other things happen, and waits until it runs. Its image is always the one that is
   * tried: the release may have an older one, which knows less.
   */
  async beginJob(name: string, args: readonly string[]): Promise<void> {
    await this.#startJob(name, args, this.#options.image.nextTag);
    await this.kubectl("wait", `job/${name}`, "--for=jsonpath={.status.ready}=1", "--timeout=2m");
  }

  /** What an operator does after an install: the release's own test, and what it said. */
  test(timeoutMs: number): Promise<string> {
    const { release, namespace } = this.#options;
    const within = `${Math.ceil(timeoutMs / 1_000)}s`;
    return command("helm", "test", release, "--namespace", namespace, "--logs", "--timeout", within);
  }

  /** Like the pod of the chart's own test, so that it gets the same image, keys and security. */
  async #startJob(name: string, args: readonly string[], tag?: string): Promise<void> {
    const { release, namespace } = this.#options;
    await this.kubectl("delete", "job", name, "--ignore-not-found", "--wait=true");
    const manifest = await command("helm", "get", "hooks", release, "--namespace", namespace);
    const template = podOf(hookNamed(manifest, `${release}-main-job`));
    for (const container of template.spec.containers) {
      container.args = args;
      if (tag !== undefined) container.image = container.image.replace(/[^:]+$/, tag);
    }
    const spec = { backoffLimit: 0, activeDeadlineSeconds: JOB_SECONDS, template };
    await this.create({ apiVersion: "batch/v1", kind: "Job", metadata: { name }, spec });
  }

  async finishJob(name: string, timeoutMs: number): Promise<string> {
    const endsAt = performance.now() + timeoutMs;
    for (;;) {
      const status = await this.kubectl(
        "get",
        "job",
        name,
        "--output=jsonpath={.status.succeeded}/{.status.failed}",
      );
      const [succeeded = "", failed = ""] = status.split("/");
      if (succeeded !== "" || failed !== "") {
        const log = await this.kubectl("logs", `job/${name}`, "--tail=200");
        if (succeeded !== "") return log;
        throw new Error(`the job ${name} failed:\n${log}`);
      }
      if (performance.now() > endsAt)
        throw new Error(`the job ${name} did not end within ${timeoutMs / 1000} s`);
      await delay(POLL_MS);
    }
  }

  /** Tells the process of a Job's pod to end as it ends by itself. */
  async endJob(name: string): Promise<void> {
    await this.kubectl("exec", `job/${name}`, "--", NODE, "--eval", "process.kill(1, 'SIGTERM')");
  }

  /** Runs an ES module in a running pod of a workload, with what its image holds; answers what it writes. */
  evaluateIn(workload: string, module: string): Promise<string> {
    return this.kubectl("exec", workload, "--", NODE, "--input-type=module", "--eval", module);
  }

  /** Of the pods of a service that run. */
  async podAddresses(service: string): Promise<readonly string[]> {
    const pods = JSON.parse(
      await this.kubectl(
        ...["get", "pods", "--field-selector=status.phase=Running", "--output=json"],
        ...["--selector", `app.kubernetes.io/name=${service},app.kubernetes.io/instance=${this.release}`],
      ),
    ) as { readonly items: readonly { readonly status: { readonly podIP: string } }[] };
    if (pods.items.length === 0) throw new Error(`no pod of ${service} runs`);
    return pods.items.map(({ status }) => status.podIP);
  }

  async rolledOut(workload: string): Promise<void> {
    await this.kubectl("rollout", "status", workload, "--timeout=5m");
  }

  /** One value of a Secret. */
  async secret(name: string, key: string): Promise<string> {
    const path = `jsonpath={.data.${key.replaceAll(".", "\\.")}}`;
    return Buffer.from(await this.kubectl("get", "secret", name, `--output=${path}`), "base64").toString();
  }

  /**
   * Starts one pod as a workload would, but for one change, and waits until its container ends. Answers what
   * Kubernetes shows as the reason. No Service knows it, since it has none of the workload's labels.
   */
  async endOfPodWith(workload: string, change: (spec: PodSpec) => void, name: string): Promise<string> {
    const spec = await this.podSpecOf(workload);
    change(spec);
    await this.kubectl("delete", "pod", name, "--ignore-not-found", "--wait=true");
    await this.create({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec });
    try {
      await this.kubectl("wait", `pod/${name}`, "--for=jsonpath={.status.phase}=Failed", "--timeout=3m");
      const message = "--output=jsonpath={.status.containerStatuses[0].state.terminated.message}";
      return await this.kubectl("get", "pod", name, message);
    } finally {
      await this.kubectl("delete", "pod", name, "--wait=false");
    }
  }

  /** The pod that a workload makes, to be changed and started once. */
  async podSpecOf(workload: string): Promise<PodSpec> {
    const { spec } = (JSON.parse(await this.kubectl("get", workload, "--output=json")) as Workload).spec
      .template;
    for (const container of spec.containers) delete container.startupProbe;
    return { ...spec, restartPolicy: "Never" };
  }

  async create(manifest: object): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), "aios-manifest-"));
    try {
      const file = join(folder, "manifest.json");
      await writeFile(file, JSON.stringify(manifest));
      await this.kubectl("create", "--filename", file);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

export interface PodSpec {
  restartPolicy?: string;
  readonly volumes: readonly { readonly name: string; readonly secret?: { secretName: string } }[];
  readonly containers: {
    image: string;
    env: { readonly name: string; readonly value?: string; readonly valueFrom?: object }[];
    resources?: object;
    startupProbe?: unknown;
  }[];
}

interface Workload {
  readonly spec: { readonly template: { readonly spec: PodSpec } };
}

interface PodManifest {
  readonly kind: "Pod";
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: { readonly containers: { args: readonly string[]; image: string }[] };
}

/** What helm's test was in charts before it was a pod. */
interface JobManifest {
  readonly kind: "Job";
  readonly metadata: { readonly name: string };
  readonly spec: { readonly template: Pick<PodManifest, "spec"> & { readonly metadata: object } };
}

function hookNamed(manifests: string, name: string): PodManifest | JobManifest {
  const found = parseAllDocuments(manifests)
    .map((document) => document.toJS() as PodManifest | JobManifest | null)
    .find((manifest) => manifest?.metadata.name === name);
  if (found === undefined || found === null) throw new Error(`the release has no test ${name}`);
  return found;
}

function podOf(hook: PodManifest | JobManifest): JobManifest["spec"]["template"] {
  if (hook.kind === "Job") return hook.spec.template;
  return { metadata: { labels: hook.metadata.labels }, spec: hook.spec };
}
