import { mkdtemp, rm } from "node:fs/promises";
import { Agent, type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { JobState } from "@aios/proto/aios/compute/v1/compute";
import { AiosClient } from "@aios/sdk/client";
import { privateKeySigner } from "@aios/sdk/wallet";
import { freePort } from "@aios/service-kit/free-port";
import { startPostgres, type TestPostgres } from "@aios/testkit/postgres";
import { ServiceProcess } from "@aios/testkit/service-process";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ConnectionBalancer } from "../support/connection-balancer.js";
import { FakePeers, JOB_ID, jobMessage } from "../support/fake-peers.js";
import { answerProtocol, BUYER_KEY, gatewayEnv } from "../support/gateway-harness.js";

const MAIN = fileURLToPath(new URL("../../dist/src/main.js", import.meta.url));
const READERS = 8;
const ROLLS = 2;
/** Three processes are started and ended. */
const TIMEOUT_MS = 300_000;

let directory: string;
let postgres: TestPostgres;
let peers: FakePeers;
let balancer: ConnectionBalancer;
let env: Readonly<Record<string, string>>;
const running = new Set<ServiceProcess>();

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "aios-gateway-"));
  [postgres, balancer] = await Promise.all([startPostgres(), ConnectionBalancer.start()]);
  peers = new FakePeers();
  await peers.start();
  answerProtocol(peers);
  env = {
    ...(await gatewayEnv(directory, postgres, peers)),
    AIOS_DRAIN_GRACE: "1500ms",
    GATEWAY_SIGN_IN_DOMAINS: `127.0.0.1:${balancer.port}`,
  };
});

afterAll(async () => {
  await Promise.all([...running].map((gateway) => gateway.kill()));
  await balancer?.close();
  peers?.stop();
  await postgres?.stop();
  await rm(directory, { recursive: true, force: true });
});

interface Gateway {
  readonly process: ServiceProcess;
  readonly port: number;
}

async function startGateway(): Promise<Gateway> {
  const port = await freePort();
  const process = await ServiceProcess.start({
    main: MAIN,
    env: { ...env, GATEWAY_HTTP_LISTEN: `127.0.0.1:${port}` },
  });
  running.add(process);
  return { process, port };
}

/** Readers that keep their connections and never ask twice: every break under a request is counted. */
class KeptConnections {
  readonly #agent = new Agent({ keepAlive: true });
  readonly failures: string[] = [];
  answered = 0;
  /** Answers that came on a connection that had been used before. */
  reused = 0;
  #goesOn = true;
  readonly #readers: Promise<unknown>;

  constructor(port: number) {
    this.#readers = Promise.all(Array.from({ length: READERS }, () => this.#read(port)));
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setImmediate(resolve));
  }

  async stop(): Promise<void> {
    this.#goesOn = false;
    await this.#readers;
    this.#agent.destroy();
  }

  async #read(port: number): Promise<void> {
    while (this.#goesOn) await this.#get(port);
  }

  async #get(port: number): Promise<void> {
    try {
      const sent = request({ host: "127.0.0.1", port, path: "/v1/protocol", agent: this.#agent });
      const message = await new Promise<IncomingMessage>((resolve, reject) => {
        sent.once("response", resolve).once("error", reject).end();
      });
      const body = await text(message);
      if (message.statusCode !== 200) throw new Error(`${message.statusCode} ${body.slice(0, 200)}`);
      this.answered += 1;
      if (sent.reusedSocket) this.reused += 1;
    } catch (error) {
      this.failures.push(String(error));
    }
  }
}

it("answers every request on kept connections while gateways are replaced, and hands streams over", {
  timeout: TIMEOUT_MS,
}, async () => {
  let gateway = await startGateway();
  balancer.route(gateway.port);
  const baseUrl = `http://127.0.0.1:${balancer.port}`;
  const client = new AiosClient({ baseUrl, signer: privateKeySigner(BUYER_KEY) });
  let state: JobState = JobState.JOB_STATE_FUNDED;
  peers.answer("WatchJob", async function* () {
    for (;;) {
      yield { job: jobMessage({ state }) };
      if (state === JobState.JOB_STATE_SETTLED) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  const watched: string[] = [];
  const watch = (async () => {
    for await (const job of client.jobs.watch(JOB_ID)) watched.push(job.state);
  })();

  const load = new KeptConnections(balancer.port);
  const moreAnswers = async (count: number): Promise<void> => {
    const enough = load.answered + count;
    await load.until(() => load.answered >= enough || load.failures.length > 0);
  };
  await moreAnswers(200);
  for (let roll = 0; roll < ROLLS; roll++) {
    const next = await startGateway();
    balancer.route(gateway.port, next.port);
    await moreAnswers(200);
    const ended = gateway.process.stop();
    // What routes to it learns of its end later than the process itself.
    await moreAnswers(200);
    balancer.route(next.port);
    expect(await ended).toEqual({ code: 0, signal: null });
    running.delete(gateway.process);
    gateway = next;
    await moreAnswers(200);
  }
  await load.stop();
  state = JobState.JOB_STATE_SETTLED;
  await watch;

  expect(load.failures).toEqual([]);
  expect(load.reused).toBeGreaterThan(load.answered / 2);
  expect(watched.at(-1)).toBe("settled");
});
