import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Cluster, PodSpec } from "./cluster.js";
import { command } from "./command-line.js";

const AIOS = fileURLToPath(new URL("../../../apps/cli/dist/src/main.js", import.meta.url));
const GATEWAY_PORT = 8_080;
const NAMED_WITHIN_MS = 120_000;
const ASK_AGAIN_MS = 3_000;
/** No registry has it, and no node. */
const NO_IMAGE = "localhost/nobody/nothing:0.0.0";

interface Finding {
  readonly name: string;
  readonly state: "ok" | "warning" | "problem";
  readonly detail: string;
  readonly fix?: string;
}

/** As whoever is called at night does, from a machine outside: by the gateway, with the operator's key. */
export async function soundByGateway(cluster: Cluster, operatorKey: string, port: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "aios-doctor-"));
  const target = `service/${cluster.release}-gateway`;
  const forward = spawn(
    "kubectl",
    ["--namespace", cluster.namespace, "port-forward", target, `${port}:${GATEWAY_PORT}`],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  try {
    const keyFile = join(folder, "operator.key");
    await writeFile(keyFile, operatorKey, { mode: 0o600 });
    await once(forward.stdout, "data");
    const findings = await findingsOf("--url", `http://127.0.0.1:${port}`, "--key-file", keyFile);
    if (!findings.some(({ name }) => name === "schema"))
      throw new Error(`the inside was not shown:\n${told(findings)}`);
    return sound(findings);
  } finally {
    forward.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

/** By the cluster's own API, every pod for itself. */
export async function soundByKubernetes(cluster: Cluster): Promise<string> {
  const findings = await askKubernetes(cluster);
  const asked = /^(\d+) of (\d+) running pods/.exec(
    findings.find(({ name }) => name === "asked")?.detail ?? "",
  );
  if (asked === null || asked[1] === "0" || asked[1] !== asked[2])
    throw new Error(`not every pod was asked:\n${told(findings)}`);
  return sound(findings);
}

/** Pods and a claim that cannot come to life, each for another reason; the doctor has to name each reason and the way out. */
export async function namesTroubles(cluster: Cluster, workload: string): Promise<string> {
  const troubles = await makeTroubles(cluster, workload);
  try {
    const endsAt = performance.now() + NAMED_WITHIN_MS;
    for (;;) {
      const findings = await askKubernetes(cluster);
      const named = troubles.map(({ name, said, fix }) => ({
        name,
        finding: findings.find(
          (one) =>
            (one.name === name || one.detail.includes(name)) &&
            said.test(one.detail) &&
            fix.test(one.fix ?? ""),
        ),
      }));
      const missing = named.filter(({ finding }) => finding === undefined).map(({ name }) => name);
      if (missing.length === 0) return told(named.flatMap(({ finding }) => finding ?? []));
      if (performance.now() > endsAt) throw new Error(`not named: ${missing.join(", ")}\n${told(findings)}`);
      await delay(ASK_AGAIN_MS);
    }
  } finally {
    for (const { kind, name } of troubles) await cluster.kubectl("delete", kind, name, "--wait=false");
  }
}

interface Trouble {
  readonly kind: "pod" | "persistentvolumeclaim";
  readonly name: string;
  readonly said: RegExp;
  readonly fix: RegExp;
}

async function makeTroubles(cluster: Cluster, workload: string): Promise<readonly Trouble[]> {
  const troubles: Trouble[] = [];
  const pod = async (
    name: string,
    said: RegExp,
    fix: RegExp,
    change: (spec: PodSpec) => void,
  ): Promise<void> => {
    const spec = await cluster.podSpecOf(workload);
    change(spec);
    const labels = {
      "app.kubernetes.io/name": name,
      "app.kubernetes.io/instance": cluster.release,
      "app.kubernetes.io/part-of": "aios",
    };
    await cluster.create({ apiVersion: "v1", kind: "Pod", metadata: { name, labels }, spec });
    troubles.push({ kind: "pod", name, said, fix });
  };
  await pod("trouble-image", /Image/, /Push the image|registry refuses/, ({ containers }) => {
    for (const container of containers) container.image = NO_IMAGE;
  });
  await pod("trouble-secret", /"nowhere" not found/, /Create the Secret nowhere/, ({ containers }) => {
    const valueFrom = { secretKeyRef: { name: "nowhere", key: "url" } };
    for (const container of containers) container.env.push({ name: "TROUBLE", valueFrom });
  });
  await pod("trouble-node", /Insufficient memory/, /a larger one/, ({ containers }) => {
    for (const container of containers)
      container.resources = { requests: { memory: "90000Gi" }, limits: { memory: "90000Gi" } };
  });
  await pod("trouble-start", /DATABASE_URL/, /Mend what it names/, (spec) => {
    spec.restartPolicy = "Always";
    for (const container of spec.containers) {
      const kept = container.env.filter(({ name }) => name !== "DATABASE_URL");
      container.env = [...kept, { name: "DATABASE_URL", value: "not a url" }];
    }
  });
  if (
    !(await cluster.kubectl("get", "storageclasses", "--output=json")).includes('is-default-class": "true"')
  ) {
    const name = "trouble-disk";
    const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
    await cluster.create({ apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name }, spec });
    troubles.push({
      kind: "persistentvolumeclaim",
      name,
      said: /no default storage class/,
      fix: /as the default/,
    });
  }
  return troubles;
}

function askKubernetes(cluster: Cluster): Promise<readonly Finding[]> {
  return findingsOf("--kubernetes", "--namespace", cluster.namespace, "--release", cluster.release);
}

/** Of a doctor that found something, which it says by its exit code, too. */
async function findingsOf(...args: readonly string[]): Promise<readonly Finding[]> {
  const said = await command(process.execPath, AIOS, "doctor", ...args, "--json").catch(
    (error: Error) => error.message,
  );
  const line = said.split("\n").find((one) => one.includes('"findings":['));
  if (line === undefined) throw new Error(`the doctor said: ${said}`);
  return (JSON.parse(line.slice(line.indexOf("{"))) as { findings: readonly Finding[] }).findings;
}

/** Whether answers came as fast as promised is a matter of the machine, which others use too: told, and no fault here. */
function sound(findings: readonly Finding[]): string {
  const faults = findings.filter(({ name, state }) => state === "problem" && name !== "objectives");
  if (faults.length > 0) throw new Error(told(findings));
  return told(findings);
}

function told(findings: readonly Finding[]): string {
  return findings
    .map(
      ({ name, state, detail, fix }) => `${state} ${name}: ${detail}${fix === undefined ? "" : ` → ${fix}`}`,
    )
    .join("\n");
}
