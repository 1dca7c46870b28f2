import { readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { CodedError } from "@aios/kernel/coded-error";

/** Kinds whose objects hold text or bytes by key. */
export type StoredKind = "secrets" | "configmaps";

export interface StoredObject {
  readonly kind: StoredKind;
  readonly name: string;
  /** Of a secret; `Opaque` unless said. It cannot be changed later. */
  readonly type?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Values by key, as text; a secret's are base64 only on the wire. */
  readonly entries: Readonly<Record<string, string>>;
}

/** The little of the Kubernetes API that setting up a network needs. */
export interface KubernetesApi {
  /** Values by key, or undefined when there is no such object. */
  read(kind: StoredKind, name: string): Promise<Readonly<Record<string, string>> | undefined>;
  /** False when there is one of that name already; it stays as it is. */
  create(object: StoredObject): Promise<boolean>;
  /** Puts other entries and labels into an object that is there. */
  replace(object: StoredObject): Promise<void>;
}

const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 4 * 1024 ** 2;

type Method = "GET" | "POST" | "PUT";

interface WireObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** The API server as a pod's service account reaches it. Throws `not-in-a-cluster` outside of one. */
export function inClusterApi(
  env: Readonly<Record<string, string | undefined>> = process.env,
  directory: string = SERVICE_ACCOUNT,
): KubernetesApi {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (host === undefined || port === undefined) {
    throw new CodedError({
      code: "not-in-a-cluster",
      kind: "invalid",
      message: "KUBERNETES_SERVICE_HOST is not set: this command runs in a pod, as the chart's Job does.",
    });
  }
  const fromPod = (file: string): string => readFileSync(join(directory, file), "utf8").trim();
  const namespace = fromPod("namespace");
  const call = (method: Method, path: string, body?: object): Promise<Answer> =>
    ask({
      host,
      port: Number(port),
      method,
      path: `/api/v1/namespaces/${namespace}/${path}`,
      authority: fromPod("ca.crt"),
      token: fromPod("token"),
      body,
    });
  return {
    async read(kind, name) {
      const { status, body } = await call("GET", `${kind}/${name}`);
      if (status === 404) return undefined;
      if (status !== 200) throw refused(status, body, `reading ${kind}/${name}`);
      return fromWire(kind, JSON.parse(body) as WireObject);
    },
    async create(object) {
      const { status, body } = await call("POST", object.kind, toWire(object));
      if (status === 409) return false;
      if (status !== 201) throw refused(status, body, `creating ${object.kind}/${object.name}`);
      return true;
    },
    async replace(object) {
      const path = `${object.kind}/${object.name}`;
      const { status, body } = await call("PUT", path, toWire(object));
      if (status !== 200) throw refused(status, body, `replacing ${path}`);
    },
  };
}

function toWire({ kind, name, type = "Opaque", labels, entries }: StoredObject): object {
  const metadata = { name, labels };
  return kind === "secrets"
    ? { apiVersion: "v1", kind: "Secret", metadata, type, stringData: entries }
    : { apiVersion: "v1", kind: "ConfigMap", metadata, data: entries };
}

function fromWire(kind: StoredKind, { data = {} }: WireObject): Readonly<Record<string, string>> {
  if (kind === "configmaps") return data;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")]),
  );
}

interface Question {
  readonly host: string;
  readonly port: number;
  readonly method: Method;
  readonly path: string;
  readonly authority: string;
  readonly token: string;
  readonly body: object | undefined;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

function ask({ host, port, method, path, authority, token, body }: Question): Promise<Answer> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host,
        port,
        method,
        path,
        ca: authority,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        headers: {
          authorization: `Bearer ${token}`,
          accept: "application/json",
          ...(payload === undefined ? {} : { "content-type": "application/json" }),
        },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
          if (text.length > MAX_ANSWER_BYTES) response.destroy(new Error("the answer is too large"));
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
        response.on("error", reject);
      },
    );
    sent.on("error", (error) =>
      reject(
        new CodedError({
          code: "kubernetes-unavailable",
          kind: "unavailable",
          message: `The Kubernetes API at ${host}:${port} does not answer: ${error.message}.`,
          cause: error,
        }),
      ),
    );
    sent.end(payload);
  });
}

function refused(status: number, body: string, what: string): CodedError {
  let reason = `status ${status}`;
  try {
    reason = (JSON.parse(body) as { message?: string }).message ?? reason;
  } catch {
    // A proxy in between answers in its own words; the status says enough.
  }
  return new CodedError({
    code: status === 403 ? "kubernetes-forbidden" : "kubernetes-refused",
    kind: status === 403 ? "forbidden" : "internal",
    message: `The Kubernetes API refused ${what}: ${reason}.`,
    details: { status },
  });
}
