import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "@aios/service-kit/free-port";
import { repositoryRoot } from "./repository-root.js";
import { temporaryDirectory } from "./temporary-directory.js";

const KAFKA_VERSION = "4.3.1";
const LOG4J_VERSION = "2.25.3";
const COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
const CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg";
const OUTPUT_KEPT = 8_000;
const HOME = join(repositoryRoot(), ".aios", "kafka", KAFKA_VERSION);
const JAVA_OPTIONS = [
  "-Xmx256m",
  "-Xms64m",
  "-XX:+UseSerialGC",
  "-XX:TieredStopAtLevel=1",
  "-Dlog4j2.level=INFO",
  "-cp",
  join(HOME, "libs", "*"),
];

export interface TestKafka {
  readonly url: string;
  /** SIGKILL, then start again on the same ports and data. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

/** True when Java is there, and Kafka's jars are, or Maven to get them. */
export function kafkaIsAvailable(): boolean {
  const answers = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;
  return answers("java", "-version") && (existsSync(join(HOME, "libs")) || answers("mvn", "--version"));
}

export interface KafkaPlace {
  /** An address of this machine (127.0.0.1). */
  readonly host?: string;
  /** A free one where absent. */
  readonly port?: number;
}

/** A real Kafka broker and controller in one process. */
export async function startKafka(place: KafkaPlace = {}): Promise<TestKafka> {
  fetchJars();
  const directory = temporaryDirectory("kafka");
  const address = `${place.host ?? "127.0.0.1"}:${place.port ?? (await freePort())}`;
  const settings = join(directory.path, "server.properties");
  writeFileSync(settings, serverProperties(address, await freePort(), join(directory.path, "log")));
  const formatted = spawnSync("java", [
    ...JAVA_OPTIONS,
    "kafka.tools.StorageTool",
    "format",
    "-t",
    CLUSTER_ID,
    "-c",
    settings,
  ]);
  if (formatted.status !== 0) throw new Error(`Kafka's log could not be formatted:\n${formatted.stderr}`);
  let server = await serve(settings);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill(signal);
    await once(server, "close");
  };
  return {
    url: `kafka://${address}`,
    async crash() {
      await end("SIGKILL");
      server = await serve(settings);
    },
    async stop() {
      await end("SIGKILL");
      directory.remove();
    },
  };
}

function fetchJars(): void {
  if (existsSync(join(HOME, "libs"))) return;
  const staging = `${HOME}.${process.pid}`;
  mkdirSync(staging, { recursive: true });
  writeFileSync(join(staging, "pom.xml"), pom());
  const copied = spawnSync(
    "mvn",
    ["-B", "-ntp", "-q", COPY, "-DincludeScope=runtime", "-DoutputDirectory=libs"],
    { cwd: staging },
  );
  if (copied.status !== 0) throw new Error(`Kafka's jars could not be fetched:\n${copied.stdout}`);
  rmSync(HOME, { recursive: true, force: true });
  renameSync(staging, HOME);
}

function pom(): string {
  const dependency = (group: string, artifact: string, version: string): string =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>aios.test</groupId><artifactId>kafka</artifactId><version>1</version><dependencies>
${dependency("org.apache.kafka", "kafka_2.13", KAFKA_VERSION)}
${dependency("org.apache.logging.log4j", "log4j-slf4j-impl", LOG4J_VERSION)}
</dependencies></project>`;
}

function serverProperties(address: string, controllerPort: number, logDir: string): string {
  return Object.entries({
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://${address},CONTROLLER://127.0.0.1:${controllerPort}`,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "log.dirs": logDir,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 5,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 5,
    "group.initial.rebalance.delay.ms": 0,
    "broker.session.timeout.ms": 1500,
    "broker.heartbeat.interval.ms": 300,
    "auto.create.topics.enable": false,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}

async function serve(settings: string): Promise<ChildProcess> {
  const server = spawn("java", [...JAVA_OPTIONS, "kafka.Kafka", settings], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  let output = "";
  await new Promise<void>((resolve, reject) => {
    server.stdout?.on("data", (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-OUTPUT_KEPT);
      if (output.includes("Kafka Server started")) resolve();
    });
    server.once("close", (code) => reject(new Error(`Kafka ended with ${code}:\n${output}`)));
  });
  return server;
}
