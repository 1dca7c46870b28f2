import { CodedError } from "@aios/kernel/coded-error";
import type { KubernetesApi, StoredObject } from "./kubernetes-api.js";
import { databaseUrls, type NetworkFiles, publicPart } from "./network.js";

export interface NetworkNames {
  /** Secret with every private key of the network. */
  readonly secret: string;
  /** ConfigMap with genesis, public keys and addresses. */
  readonly configMap: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The bundled database server, whose password is drawn here; absent where the operator brings one. */
  readonly database?: { readonly secret: string; readonly host: string; readonly port: number };
}

export interface NetworkSources {
  newNetwork(): Promise<NetworkFiles>;
  /** A password of letters and digits. */
  newPassword(): string;
}

const DATABASE_USER = "aios";

/**
 * Makes what a network needs in its namespace, once: whatever is there already stays as it is, so a run that was cut
 * off, or comes again with an upgrade, only adds what is missing. The secret comes first, everything public follows
 * from it. Throws `network-secret-incomplete` when somebody removed a part of it.
 */
export async function setUpNetwork(
  api: KubernetesApi,
  names: NetworkNames,
  sources: NetworkSources,
  say: (line: string) => void,
): Promise<void> {
  const network = await ensure(
    api,
    { kind: "secrets", name: names.secret, labels: names.labels },
    () => sources.newNetwork(),
    say,
  );
  const shared = await completePublicPart(network, names.secret);
  await ensure(api, { kind: "configmaps", name: names.configMap, labels: names.labels }, () => shared, say);
  if (names.database === undefined) return;
  const { secret, host, port } = names.database;
  await ensure(
    api,
    { kind: "secrets", name: secret, labels: names.labels },
    () => databaseUrls(host, port, DATABASE_USER, sources.newPassword()),
    say,
  );
}

async function ensure(
  api: KubernetesApi,
  object: Omit<StoredObject, "entries">,
  make: () => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>,
  say: (line: string) => void,
): Promise<Readonly<Record<string, string>>> {
  const name = `${object.kind}/${object.name}`;
  const existing = await api.read(object.kind, object.name);
  if (existing !== undefined) {
    say(`${name} is there`);
    return existing;
  }
  const entries = await make();
  if (await api.create({ ...object, entries })) {
    say(`${name} made`);
    return entries;
  }
  const others = await api.read(object.kind, object.name);
  if (others !== undefined) return others;
  throw new CodedError({
    code: "kubernetes-refused",
    kind: "internal",
    message: `${name} appeared and went away again while it was being made. Run the command again.`,
  });
}

function completePublicPart(
  network: NetworkFiles,
  secret: string,
): Promise<Readonly<Record<string, string>>> {
  if (network["genesis.json"] !== undefined && network["services.jwks"] !== undefined)
    return publicPart(network);
  throw new CodedError({
    code: "network-secret-incomplete",
    kind: "invalid",
    message:
      `The secret ${secret} lacks genesis.json or services.jwks. Restore it from your backup; ` +
      "a new one would be another network with other keys.",
    details: { secret },
  });
}
