import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { serveSynthetic } from "@aios/cli/synthetic/serve-synthetic";
import { SyntheticCheck } from "@aios/cli/synthetic/synthetic-check";
import { isCodedError } from "@aios/kernel/coded-error";
import { readHonkPowers } from "@aios/launcher/honk-powers";
import { runLocalMainJob } from "@aios/launcher/local-main-job";
import { ensureProtocol } from "@aios/launcher/protocol-deployment";
import { syntheticInference } from "@aios/main-job/synthetic-inference";
import { AiosClient } from "@aios/sdk/client";
import { privateKeySigner } from "@aios/sdk/wallet";
import { duration, hostPort, integer } from "@aios/service-kit/config";
import { leaveReason } from "@aios/service-kit/start-failure";
import { systemClock } from "@aios/service-kit/system-clock";
import { argument, required } from "./arguments.js";
import { chainAnswers } from "./chain-answers.js";
import { inClusterApi } from "./kubernetes-api.js";
import { orderLoad, readLoad } from "./load-commands.js";
import { accountKey, newNetwork, readFiles, withIdentities } from "./network.js";
import { issueServiceCertificates } from "./service-certificates.js";
import { type BundledServer, setUpNetwork } from "./set-up-network.js";

const USAGE = `Usage: aios-cluster <command> [options]

What a network on Kubernetes needs beside its services; the chart's Jobs run it in pods.

  set-up           makes keys, genesis and database passwords in the namespace; keeps what is there
    --secret NAME             Secret for all private keys (aios-network)
    --config-map NAME         ConfigMap for genesis, public keys and addresses (aios-network)
    --database-secret NAME    Secret for the bundled database's URLs; absent: the operator brings one
    --database-host HOST      its host (aios-postgres)
    --kafka-secret NAME       Secret for the bundled Kafka's URL; absent: there is none
    --kafka-key KEY           the URL's key in it (url)
    --kafka-host HOST         its host (aios-kafka)
    --redis-secret NAME       Secret for the bundled Redis' URL; absent: there is none
    --redis-key KEY           the URL's key in it (url)
    --redis-host HOST         its host (aios-redis)
    --release NAME            label of what is made, and first part of the nodes' hosts (aios)
    --honor-nodes NUMBER      nodes of a new chain: 1 makes all blocks, 4 or a multiple of 3 from 6 vote (1)

  certificates     gives each service a certificate of the installation's own authority, and renews it in time
    --release NAME            first part of the Secrets' and hosts' names (aios)
    --namespace NAME          part of the hosts' names
    --services NAMES          whose certificates, separated by commas
    --hosts NAMES             further host names of all of them, separated by commas

  deploy-protocol  puts the protocol's contracts on the chain; does nothing when they are there
    --chain URL               the node's JSON-RPC
    --keys FOLDER             where the network's Secret is mounted (/network-keys)
    --honk-powers FILE        powers of tau under which UltraHonk proofs are verified, the prover's too; absent: the
                              development string, under which everybody can forge
    --honk-powers-sha256 HEX  what the file must have

  main-job         runs the main job through the gateway: training, licence, proven inference, verification
    --gateway URL             the gateway
    --keys FOLDER             where the network's Secret is mounted (/network-keys)
    --providers NUMBER        providers that must be there first (2)
    --retries NUMBER          how often a request is repeated while the platform says to come back (4)

  synthetic        buys a proven inference again and again; metrics for Prometheus under /metrics
    --gateway URL             the gateway
    --keys FOLDER             where the network's Secret is mounted (/network-keys)
    --account NAME            the network's account that buys (business)
    --every TIME              from the start of a run to the next (5m)
    --listen HOST:PORT        where metrics are (0.0.0.0:9090)

  read-load        reads through the gateway for a while; fails when one answer is an error of the platform
    --gateway URL             the gateway
    --seconds NUMBER          how long (60), or until SIGTERM
    --clients NUMBER          readers at once (4)

  order-load       orders and reads through the gateway for a while, then accounts for each order on chain, its receipt and the
                   events
    --gateway URL             the gateway
    --keys FOLDER             where the network's Secret is mounted (/network-keys)
    --account NAME            the network's account that buys (business); it holds a licence of the newest model
    --operator NAME           the network's account that may look inside (foundation)
    --seconds NUMBER          how long (60), or until SIGTERM
    --clients NUMBER          buyers at once (2)
`;

const LARGEST_HONOR_SET = 21;
const MOST_RETRIES = 1_000;
/** A node that starts at the same time may wait for its image and its disk. */
const CHAIN_ANSWERS_MS = 180_000;

const write = (line: string): void => void process.stdout.write(`${line}\n`);

const COMMANDS: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  "set-up": setUp,
  certificates,
  "deploy-protocol": deployProtocol,
  "main-job": mainJob,
  synthetic,
  "read-load": readLoad,
  "order-load": orderLoad,
};

process.exitCode = await main(process.argv.slice(2));

async function main([name = "--help", ...args]: string[]): Promise<number> {
  if (name === "--help" || args.includes("--help")) {
    process.stdout.write(USAGE);
    return 0;
  }
  const command = COMMANDS[name];
  if (command === undefined) {
    process.stderr.write(`There is no command '${name}'.\n\n${USAGE}`);
    return 2;
  }
  try {
    return await command(args);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const said = `${isCodedError(error) ? `${error.code}: ` : ""}${reason}`;
    process.stderr.write(`${said}\n`);
    leaveReason(said);
    return 1;
  }
}

async function setUp(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      secret: { type: "string", default: "aios-network" },
      "config-map": { type: "string", default: "aios-network" },
      "database-secret": { type: "string" },
      "database-host": { type: "string", default: "aios-postgres" },
      "kafka-secret": { type: "string" },
      "kafka-key": { type: "string", default: "url" },
      "kafka-host": { type: "string", default: "aios-kafka" },
      "redis-secret": { type: "string" },
      "redis-key": { type: "string", default: "url" },
      "redis-host": { type: "string", default: "aios-redis" },
      release: { type: "string", default: "aios" },
      "honor-nodes": { type: "string", default: "1" },
    },
  });
  const honorNodes = argument("honor-nodes", integer(1, LARGEST_HONOR_SET).safeParse(values["honor-nodes"]));
  const databaseSecret = values["database-secret"];
  await setUpNetwork(
    inClusterApi(),
    {
      secret: values.secret,
      configMap: values["config-map"],
      release: values.release,
      honorNodes,
      labels: { "app.kubernetes.io/part-of": "aios", "app.kubernetes.io/instance": values.release },
      ...(databaseSecret === undefined
        ? {}
        : { database: { secret: databaseSecret, host: values["database-host"], port: 5_432 } }),
      servers: [
        ...server(
          values["kafka-secret"],
          values["kafka-key"],
          `kafka://aios:PASSWORD@${values["kafka-host"]}:9092`,
        ),
        ...server(
          values["redis-secret"],
          values["redis-key"],
          `redis://:PASSWORD@${values["redis-host"]}:6379/0`,
        ),
      ],
    },
    {
      newNetwork: () => newNetwork(systemClock.now(), honorNodes),
      newPassword: () => randomBytes(24).toString("hex"),
    },
    write,
  );
  return 0;
}

function server(secret: string | undefined, key: string, pattern: string): readonly BundledServer[] {
  if (secret === undefined) return [];
  return [{ secret, key, url: (password) => pattern.replace("PASSWORD", encodeURIComponent(password)) }];
}

async function certificates(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      release: { type: "string", default: "aios" },
      namespace: { type: "string" },
      services: { type: "string" },
      hosts: { type: "string", default: "" },
    },
  });
  await issueServiceCertificates(
    inClusterApi(),
    {
      release: values.release,
      namespace: required("namespace", values.namespace),
      services: required("services", values.services).split(","),
      hosts: values.hosts.split(",").filter((host) => host !== ""),
    },
    systemClock.now(),
    write,
  );
  return 0;
}

async function deployProtocol(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      chain: { type: "string" },
      keys: { type: "string", default: "/network-keys" },
      "honk-powers": { type: "string" },
      "honk-powers-sha256": { type: "string" },
    },
  });
  const url = required("chain", values.chain);
  const file = values["honk-powers"];
  const honkPowers =
    file === undefined
      ? undefined
      : readHonkPowers(file, required("--honk-powers-sha256", values["honk-powers-sha256"]));
  await chainAnswers({ url, clock: systemClock, withinMs: CHAIN_ANSWERS_MS, say: write });
  const contracts = await withIdentities(readFiles(values.keys), (identities) =>
    ensureProtocol(url, identities, write, honkPowers),
  );
  for (const [name, address] of Object.entries(contracts)) write(`${name} ${address}`);
  return 0;
}

async function mainJob(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      gateway: { type: "string" },
      keys: { type: "string", default: "/network-keys" },
      providers: { type: "string", default: "2" },
      retries: { type: "string", default: "4" },
    },
  });
  const gatewayUrl = required("gateway", values.gateway);
  const network = readFiles(values.keys);
  const wentThrough = await runLocalMainJob(
    { gatewayUrl, privateKey: (account) => accountKey(network, account) },
    process.stdout,
    {
      providers: Number(values.providers),
      retries: argument("retries", integer(0, MOST_RETRIES).safeParse(values.retries)),
    },
  );
  return wentThrough ? 0 : 1;
}

async function synthetic(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      gateway: { type: "string" },
      keys: { type: "string", default: "/network-keys" },
      account: { type: "string", default: "business" },
      every: { type: "string", default: "5m" },
      listen: { type: "string", default: "0.0.0.0:9090" },
    },
  });
  const signer = privateKeySigner(accountKey(readFiles(values.keys), values.account));
  const buyer = new AiosClient({ baseUrl: required("gateway", values.gateway), signer });
  const everyMs = argument("every", duration.safeParse(values.every));
  const check = new SyntheticCheck({
    act: () => syntheticInference(buyer, { modelId: undefined, digitIndex: systemClock.now() % 100_000 }),
    clock: systemClock,
    everyMs,
    withinMs: everyMs,
    onOutcome: (outcome) => write(JSON.stringify(outcome)),
  });
  await serveSynthetic(check, argument("listen", hostPort.safeParse(values.listen)), write);
  return 0;
}
