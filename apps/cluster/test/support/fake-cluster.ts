import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Helm } from "@aios/cli/kubernetes/helm";
import { Kubectl } from "@aios/cli/kubernetes/kubectl";
import type { Operation } from "@aios/cli/kubernetes/operation";
import type { Program } from "@aios/cli/kubernetes/program";
import { CodedError } from "@aios/kernel/coded-error";
import { systemClock } from "@aios/service-kit/system-clock";
import { discardVolume, packVolume, settleVolume, stageVolume } from "../../src/state/volume.js";

export const CLAIMS = ["data-aios-consensus-0", "data-aios-postgres-0", "data-aios-storage-0"] as const;
export const SECRET_KEY = "0xthe-key-that-nobody-may-see";
/** As Kubernetes keeps it. */
export const SEALED_KEY = Buffer.from(SECRET_KEY).toString("base64");
export const OTHERS = "of-somebody-else";
export const VALUES = { global: { image: { tag: "7" } } };
const LABELS: Readonly<Record<string, string>> = {
  "app.kubernetes.io/instance": "aios",
  "app.kubernetes.io/part-of": "aios",
};
const KINDS = [
  ...["Deployment", "StatefulSet", "Secret", "ConfigMap", "PersistentVolumeClaim", "Pod"],
  ...["CronJob", "Job"],
];
/** The schedule of the release. */
export const RENEWAL = "aios-certificate-renewal";
const WORKLOADS = [
  { kind: "Deployment", name: "aios-gateway", replicas: 2 },
  { kind: "StatefulSet", name: "aios-consensus", replicas: 1 },
  { kind: "StatefulSet", name: "aios-postgres", replicas: 1 },
  { kind: "StatefulSet", name: "aios-storage", replicas: 1 },
];

interface FakeObject {
  readonly kind: string;
  metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>> | undefined;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly object[];
  };
  spec?: {
    readonly replicas?: number;
    readonly suspend?: boolean;
    readonly volumes?: readonly { readonly persistentVolumeClaim?: { readonly claimName: string } }[];
  };
  readonly data?: Readonly<Record<string, string>>;
}

interface FakePatch {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string | null>> };
  readonly spec?: object;
}

/** A namespace as kubectl and helm show it, with a release or without; its volumes are directories. */
export class FakeCluster {
  readonly home = mkdtempSync(join(tmpdir(), "aios-fake-cluster-"));
  readonly said: string[] = [];
  /** Every command line. */
  readonly calls: string[] = [];
  /** What helm was given with --values. */
  installedWith: string[] = [];
  readonly #abort = new AbortController();
  readonly #blockHash: string;
  #objects: FakeObject[] = [];
  #hasRelease: boolean;
  /** Told whatever is said. */
  onSay: (line: string) => void = () => undefined;
  #failure: { readonly call: string; readonly error: Error } | undefined;
  #node: Server | undefined;

  constructor(hasRelease: boolean, blockHash = "0xb10c") {
    this.#blockHash = blockHash;
    this.#hasRelease = hasRelease;
    if (hasRelease) this.#install();
  }

  operation(release = "aios"): Operation {
    const target = { namespace: "aios", context: undefined };
    const { signal } = this.#abort;
    return {
      kubectl: new Kubectl(this.#program("kubectl", signal), target),
      cleaner: new Kubectl(this.#program("kubectl", new AbortController().signal), target),
      helm: new Helm(this.#program("helm", signal), target, release),
      namespace: "aios",
      release,
      clock: systemClock,
      say: (line) => {
        this.said.push(line);
        this.onSay(line);
      },
    };
  }

  /** Whatever has this in its command line fails; nothing where absent. */
  fail(call?: string, error: Error = lost()): void {
    this.#failure = call === undefined ? undefined : { call, error };
  }

  /** A schedule has begun a Job, which goes on until it was looked at once. */
  begin(schedule: string): void {
    const ownerReferences = [{ kind: "CronJob", name: schedule }];
    this.#objects.push({ kind: "Job", metadata: { name: `${schedule}-1`, ownerReferences } });
  }

  /** As a Ctrl-C when that is said. */
  interruptAt(said: string): void {
    this.onSay = (line) => {
      if (line.includes(said)) this.#abort.abort(new Error("interrupted"));
    };
  }

  /** What is in each claim, by path, and how many pods each workload has. */
  get whole(): {
    readonly volumes: object;
    readonly pods: object;
    readonly stopped: number;
    readonly helpers: number;
    /** Whether each is suspended. */
    readonly schedules: Readonly<Record<string, boolean>>;
    readonly stored: Readonly<Record<string, unknown>>;
  } {
    const workloads = this.#objects.filter(({ spec }) => spec?.replicas !== undefined);
    return {
      volumes: Object.fromEntries(
        this.#ofKind("PersistentVolumeClaim")
          .map(({ metadata: { name } }): [string, object] => [name, filesIn(join(this.home, name))])
          .sort(),
      ),
      pods: Object.fromEntries(workloads.map(({ metadata, spec }) => [metadata.name, spec?.replicas]).sort()),
      stopped: workloads.filter(({ metadata }) => Object.keys(metadata.annotations ?? {}).length > 0).length,
      helpers: this.#ofKind("Pod").length,
      schedules: Object.fromEntries(
        this.#ofKind("CronJob").map(({ metadata, spec }) => [metadata.name, spec?.suspend === true]),
      ),
      stored: Object.fromEntries(
        this.#objects
          .filter(({ data }) => data !== undefined)
          .map(({ kind, metadata, data }): [string, unknown] => [`${kind}/${metadata.name}`, data])
          .sort(),
      ),
    };
  }

  stop(): void {
    this.#node?.close();
    rmSync(this.home, { recursive: true, force: true });
  }

  #program(name: "kubectl" | "helm", signal: AbortSignal): Program {
    const begin = (args: readonly string[]): void => {
      signal.throwIfAborted();
      const call = [name, ...args].join(" ");
      this.calls.push(call);
      if (this.#failure !== undefined && call.includes(this.#failure.call)) throw this.#failure.error;
    };
    return {
      run: async (args, input) => {
        begin(args);
        return name === "helm" ? this.#helm(args) : this.#kubectl(args, untilAborted(input ?? [], signal));
      },
      output: (args) => {
        begin(args);
        return packVolume(this.#claimOf(args), "");
      },
      untilLine: async (args) => {
        begin(args);
        return {
          line: `Forwarding from 127.0.0.1:${await this.#serveChain()} -> 8545`,
          stop: async () => undefined,
        };
      },
    };
  }

  #helm(args: readonly string[]): string {
    const release = { info: { status: "deployed" }, config: VALUES, manifest: MANIFEST, hooks: [] };
    if (args[0] === "status" && !this.#hasRelease) throw lost("release: not found");
    if (args[0] === "status" || args.includes("--dry-run=server")) return JSON.stringify(release);
    this.#hasRelease = true;
    this.installedWith = args
      .filter((_, at) => args[at - 1] === "--values")
      .map((file) => readFileSync(file, "utf8"));
    // As of a three-way merge: whether it is suspended is not in the chart.
    if (this.#find("CronJob", RENEWAL) === undefined) this.#objects.push(renewal());
    for (const workload of workloads()) {
      const there = this.#find(workload.kind, workload.metadata.name);
      if (there === undefined) this.#objects.push(workload);
      else there.spec = workload.spec;
    }
    return "";
  }

  async #kubectl(args: readonly string[], input: AsyncIterable<Buffer>): Promise<string> {
    const [verb = "", object = ""] = args.slice(2);
    if (verb === "get") return this.#get(object, option(args, "--selector"));
    if (verb === "patch") this.#patch(object, JSON.parse(option(args, "--patch") ?? "{}") as FakePatch);
    if (verb === "create" || verb === "replace") this.#write(verb, await text(input));
    if (verb === "delete") this.#remove(object, args[4], option(args, "--selector"));
    if (verb === "exec") await this.#exec(args, input);
    return "";
  }

  #get(kinds: string, selector: string | undefined): string {
    const items = this.#selected(kinds, selector);
    this.#objects = this.#objects.filter((object) => object.kind !== "Job" || !items.includes(object));
    return JSON.stringify({ items });
  }

  async #exec(args: readonly string[], input: AsyncIterable<Buffer>): Promise<void> {
    const claim = this.#claimOf(args);
    const replace = args.includes("--replace");
    if (args.includes("stage-volume")) await stageVolume(claim, input, { replace });
    if (args.includes("settle-volume")) await settleVolume(claim);
    if (args.includes("discard-volume")) await discardVolume(claim);
  }

  #claimOf(args: readonly string[]): string {
    const pod = this.#find("Pod", args[3] ?? "");
    const claim = pod?.spec?.volumes?.[0]?.persistentVolumeClaim?.claimName;
    if (claim === undefined) throw lost();
    return join(this.home, claim);
  }

  /** Workloads have their pods, as long as they are not stopped. */
  #selected(kinds: string, selector: string | undefined): readonly FakeObject[] {
    const pods = this.#objects
      .filter(({ spec }) => (spec?.replicas ?? 0) > 0)
      .map(({ metadata: { name, labels } }) => ({ kind: "Pod", metadata: { name: `${name}-0`, labels } }));
    const wanted = kinds.split(",").map(kindOf);
    const [label = "", value] = selector?.split("=") ?? [];
    return [...this.#objects, ...pods].filter(
      ({ kind, metadata }) =>
        wanted.includes(kind) && (selector === undefined || metadata.labels?.[label] === value),
    );
  }

  #patch(object: string, { metadata = {}, spec }: FakePatch): void {
    const [kind = "", name = ""] = object.split("/");
    const there = this.#find(kindOf(kind), name);
    if (there === undefined) throw lost();
    const annotations = Object.entries({ ...there.metadata.annotations, ...metadata.annotations });
    const kept = annotations.filter((entry): entry is [string, string] => entry[1] !== null);
    there.metadata = { ...there.metadata, annotations: Object.fromEntries(kept) };
    there.spec = { ...there.spec, ...spec };
  }

  #write(verb: "create" | "replace", list: string): void {
    for (const object of (JSON.parse(list) as { readonly items: readonly FakeObject[] }).items) {
      const there = this.#find(object.kind, object.metadata.name);
      if ((there === undefined) === (verb === "replace")) throw lost();
      this.#objects = [...this.#objects.filter((each) => each !== there), object];
      if (object.kind === "PersistentVolumeClaim") mkdirSync(join(this.home, object.metadata.name));
    }
  }

  #remove(kind: string, name: string | undefined, selector: string | undefined): void {
    const gone = this.#selected(kind, selector).filter(
      ({ metadata }) => selector !== undefined || metadata.name === name,
    );
    for (const object of gone.filter((each) => each.kind === "PersistentVolumeClaim"))
      rmSync(join(this.home, object.metadata.name), { recursive: true });
    this.#objects = this.#objects.filter((object) => !gone.includes(object));
  }

  #install(): void {
    for (const name of CLAIMS) {
      mkdirSync(join(this.home, name, "lost+found"), { recursive: true });
      mkdirSync(join(this.home, name, "empty"));
      writeFileSync(join(this.home, name, "content"), `${name} as it was`, { mode: 0o640 });
    }
    const stored = (kind: string, name: string, data: Readonly<Record<string, string>>, labels = LABELS) => ({
      kind,
      metadata: { name, labels },
      data,
    });
    this.#objects = [
      ...CLAIMS.map((name) => ({ kind: "PersistentVolumeClaim", metadata: { name } })),
      ...workloads(),
      renewal(),
      stored("Secret", "aios-network", { "account.key": SEALED_KEY }),
      stored("ConfigMap", "aios-network", { genesis: "{}" }),
      stored("Secret", "aios-databases", { gateway: SEALED_KEY }),
      stored("Secret", OTHERS, { password: SEALED_KEY }, { "app.kubernetes.io/instance": "theirs" }),
    ];
  }

  #find(kind: string, name: string): FakeObject | undefined {
    return this.#ofKind(kind).find(({ metadata }) => metadata.name === name);
  }

  #ofKind(wanted: string): readonly FakeObject[] {
    return this.#objects.filter(({ kind }) => kind === wanted);
  }

  /** A node that has one block. */
  async #serveChain(): Promise<number> {
    const node =
      this.#node ??
      createServer((_request, response) => {
        const result = { number: "0x2a", hash: this.#blockHash };
        response.end(JSON.stringify({ jsonrpc: "2.0", id: 1, result }));
      }).listen(0, "127.0.0.1");
    this.#node = node;
    if (!node.listening) await once(node, "listening");
    return (node.address() as AddressInfo).port;
  }
}

const lost = (message = "the connection was lost"): CodedError =>
  new CodedError({ code: "kubectl-failed", kind: "unavailable", message });

const option = (args: readonly string[], name: string): string | undefined =>
  args.includes(name) ? args[args.indexOf(name) + 1] : undefined;

const kindOf = (name: string): string =>
  KINDS.find((kind) => name.toLowerCase().replace(/s$/, "") === kind.toLowerCase()) ?? name;

async function* untilAborted(
  input: AsyncIterable<Buffer> | Iterable<Buffer>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  for await (const piece of input) {
    signal.throwIfAborted();
    yield piece;
  }
  signal.throwIfAborted();
}

async function text(input: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of input) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

function workloads(): FakeObject[] {
  return WORKLOADS.map(({ kind, name, replicas }) => ({
    kind,
    metadata: { name, labels: { ...LABELS, "app.kubernetes.io/name": name.slice("aios-".length) } },
    spec: { replicas },
  }));
}

const renewal = (): FakeObject => ({ kind: "CronJob", metadata: { name: RENEWAL }, spec: {} });

function filesIn(directory: string): Readonly<Record<string, string>> {
  if (!existsSync(directory)) return {};
  const entries = readdirSync(directory, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((entry) => {
      const file = join(entry.parentPath, entry.name);
      return [file.slice(directory.length + 1), readFileSync(file, "utf8")];
    }),
  );
}

/** The release as its chart renders it, with its own database server. */
const MANIFEST = manifest();

function manifest(): string {
  const security = "securityContext: { runAsUser: 65532 }";
  const network = `volumes:
        - { name: keys, secret: { secretName: aios-network } }
        - { name: network, configMap: { name: aios-network } }`;
  const documents = WORKLOADS.map(
    ({ kind, name }) => `apiVersion: apps/v1
kind: ${kind}
metadata: { name: ${name} }
spec:
  template:
    spec:
      ${security}
      containers:
        - name: main
          image: registry.example/aios/main:7
          imagePullPolicy: IfNotPresent
          env: [{ name: DATABASE_URL, valueFrom: { secretKeyRef: { name: aios-databases, key: gateway } } }]
      ${name === "aios-gateway" ? network : "volumes: []"}
  ${kind === "StatefulSet" ? "volumeClaimTemplates: [{ metadata: { name: data }, spec: { accessModes: [ReadWriteOnce] } }]" : "replicas: 2"}`,
  );
  const test = `apiVersion: v1
kind: Pod
metadata: { name: aios-main-job }
spec:
  ${security}
  containers: [{ name: main-job, image: "registry.example/aios/cluster:7", imagePullPolicy: IfNotPresent }]`;
  const schedule = `apiVersion: batch/v1
kind: CronJob
metadata: { name: ${RENEWAL} }
spec: { schedule: "17 3 * * *" }`;
  return [...documents, test, schedule].join("\n---\n");
}
