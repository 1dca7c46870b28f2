import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Cluster } from "./cluster.js";
import { command } from "./command-line.js";

/** What `aios backup kubernetes` and `aios restore kubernetes` say of a state. */
interface StateSummary {
  readonly volumes: number;
  readonly databases: Readonly<Record<string, number>>;
  readonly bytes: number;
  readonly chain: { readonly height: number; readonly hash: string } | null;
}

const AIOS = fileURLToPath(new URL("../../../apps/cli/dist/src/main.js", import.meta.url));
const DATABASES = "aios-databases";
/** Whatever the release leaves behind: claims, keys, certificates. */
const LEFT = "persistentvolumeclaims,secrets,configmaps";

/**
 * Backs a release up, removes it with all of its state, and restores it from the file alone, databases of a server
 * outside to new ones. Throws where the restored state is not what was backed up, or a restore over what is there is
 * not refused.
 */
export async function backUpWipeAndRestore(cluster: Cluster): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "aios-state-"));
  try {
    const [file, passphrase] = [join(folder, "state.aios"), join(folder, "passphrase")];
    await writeFile(passphrase, "a passphrase of the cluster's test\n", { mode: 0o600 });
    const backedUp = await aios(cluster, passphrase, "backup", "--to", file, "--keep-stopped");
    await refusesToOverwrite(cluster, passphrase, file);
    await wipe(cluster);
    const restored = await aios(cluster, passphrase, "restore", "--from", file);
    for (const part of ["volumes", "databases", "chain"] as const) {
      const [was, is] = [JSON.stringify(backedUp[part]), JSON.stringify(restored[part])];
      if (was !== is) throw new Error(`${part} were ${was} and are ${is}`);
    }
    const rows = Object.values(restored.databases).reduce((sum, count) => sum + count, 0);
    return `${restored.volumes} volumes, ${rows} rows, ${(restored.bytes / 1024 ** 2).toFixed(1)} MiB; block ${restored.chain?.height} is ${restored.chain?.hash} again`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function refusesToOverwrite(cluster: Cluster, passphrase: string, file: string): Promise<void> {
  const said = await aios(cluster, passphrase, "restore", "--from", file).then(
    () => "nothing",
    (error: Error) => error.message,
  );
  if (!said.includes("target-not-empty")) throw new Error(`a restore over a running release said: ${said}`);
}

/** As if the cluster were a new one: what is left is the operator's own Secrets, which name other databases. */
async function wipe(cluster: Cluster): Promise<void> {
  await cluster.kubectl("delete", "jobs", "--all", "--wait=true");
  await cluster.uninstall();
  await cluster.kubectl("wait", "--for=delete", "pods", "--all", "--timeout=2m");
  const ours = `app.kubernetes.io/instance=${cluster.release}`;
  await cluster.kubectl("delete", LEFT, "--selector", ours, "--wait=true");
  const claims = await cluster.kubectl("get", "persistentvolumeclaims", "--output=name");
  if (claims.trim() !== "") await cluster.kubectl("delete", "--wait=true", ...claims.trim().split("\n"));
  await renameDatabases(cluster);
}

/** Where the server is the release's own, its Secret went with it. */
async function renameDatabases(cluster: Cluster): Promise<void> {
  const secret = await cluster.kubectl("get", "secret", DATABASES, "--ignore-not-found", "--output=json");
  if (secret === "") return;
  const { data } = JSON.parse(secret) as { readonly data: Readonly<Record<string, string>> };
  const renamed = Object.entries(data).map(([key, value]) => {
    const url = new URL(Buffer.from(value, "base64").toString());
    if (url.protocol.startsWith("postgres")) url.pathname += "_restored";
    return [key, url.toString()];
  });
  const patch = JSON.stringify({ stringData: Object.fromEntries(renamed) });
  await cluster.kubectl("patch", "secret", DATABASES, "--patch", patch);
}

async function aios(
  { namespace, release }: Cluster,
  passphrase: string,
  ...[name, ...words]: readonly string[]
): Promise<StateSummary> {
  const said = await command(
    process.execPath,
    ...[AIOS, name ?? "", "kubernetes", ...words],
    ...["--passphrase-file", passphrase, "--namespace", namespace, "--release", release, "--json"],
  );
  return JSON.parse(said) as StateSummary;
}
