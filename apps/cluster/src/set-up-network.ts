import { CodedError } from "@aios/kernel/coded-error";
import type { KubernetesApi, StoredObject } from "./kubernetes-api.js";
import { databaseUrls, honorNodesOf, missingFiles, type NetworkFiles, publicPart } from "./network.js";

export interface NetworkNames {
  /** Secret with every private key of the network. */
  readonly secret: string;
  /** ConfigMap with genesis, public keys and addresses. */
  readonly configMap: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly release: string;
  /** Nodes that make and finalise the chain. */
  readonly honorNodes: number;
  /** The bundled database server, whose password is drawn here; absent where the operator brings one. */
  readonly database?: { readonly secret: string; readonly host: string; readonly port: number };
  /** Further bundled servers, whose passwords are drawn here too. */
  readonly servers?: readonly BundledServer[];
}

/** A server of the release with one user and one URL. */
export interface BundledServer {
  readonly secret: string;
  /** Key of the URL in the Secret; the password stands beside it. */
  readonly key: string;
  url(password: string): string;
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
 * from it. Throws `network-secret-incomplete` when somebody removed a part of it, `network-has-other-nodes` when another
 * number of honor nodes is asked for than the network was made for.
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
  const shared = await completePublicPart(network, names);
  requireNodes(network, names);
  await ensure(api, { kind: "configmaps", name: names.configMap, labels: names.labels }, () => shared, say);
  const make = (secret: string, entries: (password: string) => NetworkFiles): Promise<NetworkFiles> =>
    ensure(
      api,
      { kind: "secrets", name: secret, labels: names.labels },
      () => entries(sources.newPassword()),
      say,
    );
  if (names.database !== undefined) {
    const { secret, host, port } = names.database;
    await make(secret, (password) => databaseUrls(host, port, DATABASE_USER, password));
  }
  for (const { secret, key, url } of names.servers ?? [])
    await make(secret, (password) => ({ [key]: url(password), password }));
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

function requireNodes(network: NetworkFiles, { secret, honorNodes }: NetworkNames): void {
  const nodes = honorNodesOf(network);
  if (nodes === honorNodes) return;
  throw new CodedError({
    code: "network-has-other-nodes",
    kind: "conflict",
    message:
      `The network in the secret ${secret} was made for ${nodes} node${nodes === 1 ? "" : "s"} of its chain, not ${honorNodes}: ` +
      `who finalises a chain is in its first block. Set global.network.honorNodes to ${nodes}.`,
    details: { secret, nodes, asked: honorNodes },
  });
}

function completePublicPart(
  network: NetworkFiles,
  { secret, release }: NetworkNames,
): Promise<Readonly<Record<string, string>>> {
  const missing = missingFiles(network);
  if (missing.length === 0) return publicPart(network, release);
  throw new CodedError({
    code: "network-secret-incomplete",
    kind: "invalid",
    message:
      `The secret ${secret} lacks ${missing.join(", ")}. Restore it from your backup; ` +
      `a new one would be another network with other keys.${missing.some(isOperatorKey) ? WITHOUT_OPERATOR : ""}`,
    details: { secret, missing },
  });
}

/** The one key that the chain goes on without: it holds the deposit, and pays for showing evidence. */
const isOperatorKey = (file: string): boolean => file.endsWith("-operator.key");

const WITHOUT_OPERATOR =
  " An operator.key that no backup has may be that of another account, 64 hex digits: it then pays for evidence," +
  " but the first account's deposit is lost to you.";
