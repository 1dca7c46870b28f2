import { fileURLToPath } from "node:url";
import type { Address } from "@aios/kernel/identifiers";
import type { CheckLeaseRequest, CheckLeaseResponse } from "@aios/proto/aios/compute/v1/compute";
import { ComputeServiceService } from "@aios/proto/aios/compute/v1/compute";
import { ContentKeyServiceService, ContentServiceService } from "@aios/proto/aios/storage/v1/storage";
import { type CallCredentials, createGrpcClient, type GrpcClient } from "@aios/service-kit/grpc-client";
import { loadTokenIssuer } from "@aios/service-kit/service-token";
import { startPostgres, type TestPostgres } from "@aios/testkit/postgres";
import { type ServiceKeyFiles, writeServiceKeys } from "@aios/testkit/service-keys";
import { ServiceProcess } from "@aios/testkit/service-process";
import { type TemporaryDirectory, temporaryDirectory } from "@aios/testkit/temporary-directory";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";

const MAIN = fileURLToPath(new URL("../dist/src/main.js", import.meta.url));

export interface StorageClients {
  readonly contents: GrpcClient<typeof ContentServiceService>;
  readonly keys: GrpcClient<typeof ContentKeyServiceService>;
}

/** Compute's answer to the one question that storage asks. */
type LeaseRule = (request: CheckLeaseRequest) => CheckLeaseResponse;

/** The storage service as its own process on a real database, beside a compute that knows the test's leases. */
export class StoragePlatform {
  readonly postgres: TestPostgres;
  readonly directory: TemporaryDirectory;
  readonly #keys: ServiceKeyFiles;
  readonly #compute: Server;
  #service: ServiceProcess | undefined;
  leaseRule: LeaseRule = () => ({
    live: false,
    reason: "unknown lease",
    modelId: 0,
    contentCids: [],
    expiresAtMs: 0,
    modelOwner: "",
  });

  private constructor(
    postgres: TestPostgres,
    directory: TemporaryDirectory,
    keys: ServiceKeyFiles,
    compute: Server,
  ) {
    this.postgres = postgres;
    this.directory = directory;
    this.#keys = keys;
    this.#compute = compute;
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<StoragePlatform> {
    const directory = temporaryDirectory("storage");
    const keys = await writeServiceKeys(directory.path, [
      "storage",
      "gateway",
      "compute",
      "zk-prover",
      "scoring",
    ]);
    const compute = new Server();
    const platform = new StoragePlatform(await startPostgres(), directory, keys, compute);
    compute.addService(
      { checkLease: ComputeServiceService.checkLease },
      {
        checkLease: (
          call: ServerUnaryCall<CheckLeaseRequest, CheckLeaseResponse>,
          callback: sendUnaryData<CheckLeaseResponse>,
        ) => callback(null, platform.leaseRule(call.request)),
      },
    );
    const computePort = await new Promise<number>((resolve, reject) => {
      compute.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
    await platform.#startService(computePort, env);
    return platform;
  }

  get service(): ServiceProcess {
    if (this.#service === undefined) throw new TypeError("storage has not started");
    return this.#service;
  }

  get url(): string {
    return `127.0.0.1:${this.service.ports.grpcPort}`;
  }

  /** Clients of a calling service. */
  async as(service: string): Promise<StorageClients> {
    return this.clients(await loadTokenIssuer(service, this.#keys.keyFile(service)));
  }

  /** Clients of a provider with a session from compute. */
  async asProvider(provider: Address): Promise<StorageClients> {
    const token = await this.providerToken(provider);
    return this.clients({ issue: async () => token });
  }

  async providerToken(provider: Address): Promise<string> {
    const issuer = await loadTokenIssuer("compute", this.#keys.keyFile("compute"));
    return issuer.issueProviderSession(provider, "storage", 600_000);
  }

  clients(identity?: CallCredentials): StorageClients {
    const options = { audience: "storage", ...(identity === undefined ? {} : { identity }) };
    return {
      contents: createGrpcClient(ContentServiceService, this.url, options),
      keys: createGrpcClient(ContentKeyServiceService, this.url, options),
    };
  }

  async stop(): Promise<void> {
    await this.#service?.kill();
    this.#compute.forceShutdown();
    await this.postgres.stop();
    this.directory.remove();
  }

  async #startService(computePort: number, env: Readonly<Record<string, string>>): Promise<void> {
    this.#service = await ServiceProcess.start({
      main: MAIN,
      env: {
        DATABASE_URL: this.postgres.url("aios_storage"),
        AIOS_SERVICE_KEY_FILE: this.#keys.keyFile("storage"),
        AIOS_TRUST_BUNDLE_FILE: this.#keys.trustBundleFile,
        AIOS_DATA_DIR: this.directory.path,
        COMPUTE_GRPC_URL: `127.0.0.1:${computePort}`,
        LIBP2P_LISTEN: "/ip4/127.0.0.1/tcp/0",
        STORAGE_MAX_CONTENT: "8MiB",
        ...env,
      },
    });
  }
}
