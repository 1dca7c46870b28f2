import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Address, address, tenantOfAccount } from "@aios/kernel/identifiers";
import { ComputeServiceService, type Job, JobState, Verification } from "@aios/proto/aios/compute/v1/compute";
import { topics } from "@aios/proto/topics";
import { actingFor } from "@aios/service-kit/caller-context";
import { createGrpcClient, type GrpcClient } from "@aios/service-kit/grpc-client";
import { PostgresEventLog } from "@aios/service-kit/postgres-event-log";
import { loadTokenIssuer } from "@aios/service-kit/service-token";
import { eventually } from "@aios/testkit/eventually";
import { startPostgres, type TestPostgres } from "@aios/testkit/postgres";
import { type ServiceKeyFiles, writeServiceKeys } from "@aios/testkit/service-keys";
import { mainOf, ServiceProcess } from "@aios/testkit/service-process";
import { silentLogger } from "@aios/testkit/silent-logger";
import { type TemporaryDirectory, temporaryDirectory } from "@aios/testkit/temporary-directory";
import { getBytes, type HDNodeWallet, Wallet } from "ethers";
import { FakeChain } from "./fake-chain.js";
import { FakePeers, LICENSED_MODEL } from "./fake-peers.js";
import { parsed, sign } from "./fake-provider.js";

type ComputeClient = GrpcClient<typeof ComputeServiceService>;
export const IMAGE = Buffer.alloc(784, 3);

/** Compute as its own process on a real Postgres, with its peers played by fakes. */
export class ComputePlatform {
  readonly buyer: HDNodeWallet = Wallet.createRandom();

  private constructor(
    readonly postgres: TestPostgres,
    readonly directory: TemporaryDirectory,
    readonly bus: PostgresEventLog,
    readonly chain: FakeChain,
    readonly peers: FakePeers,
    readonly service: ServiceProcess,
    readonly client: ComputeClient,
    readonly databaseUrl: string,
    private readonly keys: ServiceKeyFiles,
  ) {}

  static async start(env: Readonly<Record<string, string>> = {}): Promise<ComputePlatform> {
    const postgres = await startPostgres();
    const directory = temporaryDirectory("compute");
    const keys = await writeServiceKeys(directory.path, ["compute", "gateway", "storage"]);
    const [databaseUrl, busUrl] = [await postgres.createDatabase(), await postgres.createDatabase()];
    const bus = await PostgresEventLog.open({ url: busUrl, applicationName: "test", logger: silentLogger });
    await bus.ensureTopics(Object.values(topics));
    const chain = new FakeChain(bus);
    const peers = new FakePeers(chain, bus);
    const [peersUrl, rpcUrl] = [await peers.listen(), await chain.listen()];
    const service = await ServiceProcess.start({
      main: mainOf("compute"),
      env: {
        DATABASE_URL: databaseUrl,
        EVENT_BUS_URL: busUrl,
        AIOS_SERVICE_KEY_FILE: keys.keyFile("compute"),
        AIOS_TRUST_BUNDLE_FILE: keys.trustBundleFile,
        AIOS_DATA_DIR: directory.path,
        CONSENSUS_GRPC_URL: peersUrl,
        ECONOMY_GRPC_URL: peersUrl,
        MARKETPLACE_GRPC_URL: peersUrl,
        STORAGE_GRPC_URL: peersUrl,
        ZK_PROVER_GRPC_URL: peersUrl,
        CHAIN_RPC_URL: rpcUrl,
        CLOCK_MARGIN: "500ms",
        HEARTBEAT_INTERVAL: "500ms",
        OFFER_TIMEOUT: "3s",
        PROVIDER_GRACE: "1s",
        PROVIDER_REST: "2s",
        // Every provider of a test comes from one host.
        REGISTRATIONS_PER_MINUTE: "10000",
        LOG_LEVEL: "info",
        ...env,
      },
    });
    const identity = await loadTokenIssuer("gateway", keys.keyFile("gateway"));
    const client = createGrpcClient(ComputeServiceService, `127.0.0.1:${service.ports.grpcPort}`, {
      identity,
      audience: "compute",
      circuit: { failureThreshold: 1_000, firstOpenMs: 1, maxOpenMs: 1 },
    });
    return new ComputePlatform(postgres, directory, bus, chain, peers, service, client, databaseUrl, keys);
  }

  get url(): string {
    return `127.0.0.1:${this.service.ports.grpcPort}`;
  }

  /** A client that calls as another service. */
  async clientOf<D extends Parameters<typeof createGrpcClient>[0]>(
    definition: D,
    caller: string,
  ): Promise<GrpcClient<D>> {
    const identity = await loadTokenIssuer(caller, this.keys.keyFile(caller));
    return createGrpcClient(definition, this.url, { identity, audience: "compute" });
  }

  get account(): Address {
    return address(this.buyer.address.toLowerCase());
  }

  as<T>(wallet: { readonly address: string }, work: () => Promise<T>): Promise<T> {
    const account = address(wallet.address.toLowerCase());
    return actingFor({ account, tenant: tenantOfAccount(account) }, work);
  }

  prepare(
    change: Partial<Parameters<ComputeClient["prepareJob"]>[0]> = {},
  ): ReturnType<ComputeClient["prepareJob"]> {
    return this.as(this.buyer, () =>
      this.client.prepareJob({
        spec: { inference: { modelId: LICENSED_MODEL, input: IMAGE } },
        verification: Verification.VERIFICATION_PROOF,
        priceCapWei: "5000",
        idempotencyKey: crypto.randomUUID(),
        outputRecipientPublicKey: new Uint8Array(0),
        ...change,
      }),
    );
  }

  async signatures(toSign: readonly { name: string; typedDataJson: string }[], wallet = this.buyer) {
    return Promise.all(
      toSign.map(async ({ name, typedDataJson }) => ({
        name,
        signature: getBytes(await sign(wallet, parsed(typedDataJson))),
      })),
    );
  }

  /** Prepares, signs and places; answers the job's id. Tries again while the service is away, for so long each. */
  async placeJob(change: Parameters<ComputePlatform["prepare"]>[0] = {}, withinMs = 30_000): Promise<string> {
    const idempotencyKey = crypto.randomUUID();
    const { job, toSign } = await eventually(() => this.prepare({ idempotencyKey, ...change }), withinMs);
    const jobId = job?.jobId ?? "";
    const signatures = await this.signatures(toSign);
    await eventually(() => this.as(this.buyer, () => this.client.placeJob({ jobId, signatures })), withinMs);
    return jobId;
  }

  async job(jobId: string): Promise<Job> {
    const { job } = await this.as(this.buyer, () => this.client.getJob({ jobId }));
    if (job === undefined) throw new Error("no job");
    return job;
  }

  async reaches(jobId: string, state: JobState, timeoutMs = 20_000): Promise<Job> {
    return eventually(async () => {
      const job = await this.job(jobId);
      if (job.state !== state)
        throw new Error(
          `${jobId} is ${JobState[job.state]} (${job.steps.map(({ name }) => name).join(", ")})`,
        );
      return job;
    }, timeoutMs);
  }

  /**
   * Starts the service again, to die once at each of the points, when it first passes it, and to be started after each
   * death. `env` is for the first start alone. `done` resolves when it has died at all of them and is back; `ahead` are
   * those that it has not passed yet.
   */
  async dieOnceAt(
    points: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly done: Promise<void>; ahead(): readonly string[] }> {
    const marker = (point: string): string => join(this.directory.path, `${point}.crashed`);
    const ahead = (): string[] => points.filter((point) => !existsSync(marker(point)));
    const armed = { AIOS_CRASH_AT: points.map((point) => `${point}=${marker(point)}`).join(",") };
    const { service } = this;
    await service.restart({ ...env, ...armed });
    const throughAll = async (): Promise<void> => {
      let isBack = false;
      while (!isBack || ahead().length > 0) {
        const { code, signal } = await service.ended();
        if (signal !== "SIGKILL") throw new Error(`the service ended with ${code ?? signal}`);
        // Work that is resumed may reach the next point before the process is up.
        isBack = await service.restart(armed).then(
          () => true,
          () => false,
        );
      }
    };
    const done = throughAll();
    done.catch(() => undefined);
    return { done, ahead };
  }

  async stop(): Promise<void> {
    this.client[Symbol.dispose]();
    await this.service.stop();
    this.peers.close();
    this.chain.close();
    await this.bus.close();
    await this.postgres.stop();
    this.directory.remove();
  }
}
