import type { Address } from "@aios/kernel/identifiers";
import { ContentKeyServiceService, ContentServiceService } from "@aios/proto/aios/storage/v1/storage";
import { type CallCredentials, createGrpcClient } from "@aios/service-kit/grpc-client";
import { SERVICES } from "@aios/service-kit/local-instance";
import { loadTokenIssuer } from "@aios/service-kit/service-token";
import { ContentOwner, type StorageClients } from "@aios/testkit/content-owner";
import { LeaseBook } from "@aios/testkit/lease-book";
import { PeerServer } from "@aios/testkit/peer-server";
import { startPostgres, type TestPostgres } from "@aios/testkit/postgres";
import { type ServiceKeyFiles, writeServiceKeys } from "@aios/testkit/service-keys";
import { mainOf, ServiceProcess } from "@aios/testkit/service-process";
import { type TemporaryDirectory, temporaryDirectory } from "@aios/testkit/temporary-directory";

export type { StorageClients };

/** The storage service as its own process on a real database, beside a compute that knows the test's leases. */
export class StoragePlatform {
  readonly postgres: TestPostgres;
  readonly directory: TemporaryDirectory;
  readonly #keys: ServiceKeyFiles;
  readonly compute: PeerServer;
  readonly leases: LeaseBook;
  #service: ServiceProcess | undefined;

  private constructor(
    postgres: TestPostgres,
    directory: TemporaryDirectory,
    keys: ServiceKeyFiles,
    compute: PeerServer,
  ) {
    this.postgres = postgres;
    this.directory = directory;
    this.#keys = keys;
    this.compute = compute;
    this.leases = new LeaseBook(compute);
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<StoragePlatform> {
    const directory = temporaryDirectory("storage");
    const keys = await writeServiceKeys(directory.path, SERVICES);
    const compute = new PeerServer();
    const platform = new StoragePlatform(await startPostgres(), directory, keys, compute);
    await compute.start();
    await platform.#startService(env);
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

  /** An account whose contents lie here. */
  async owner(account: Address): Promise<ContentOwner> {
    return new ContentOwner(account, await this.as("gateway"));
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
    this.compute.stop();
    await this.postgres.stop();
    this.directory.remove();
  }

  async #startService(env: Readonly<Record<string, string>>): Promise<void> {
    this.#service = await ServiceProcess.start({
      main: mainOf("storage"),
      env: {
        DATABASE_URL: this.postgres.url("aios_storage"),
        AIOS_SERVICE_KEY_FILE: this.#keys.keyFile("storage"),
        AIOS_TRUST_BUNDLE_FILE: this.#keys.trustBundleFile,
        AIOS_DATA_DIR: this.directory.path,
        COMPUTE_GRPC_URL: this.compute.url,
        LIBP2P_LISTEN: "/ip4/127.0.0.1/tcp/0",
        STORAGE_MAX_CONTENT: "8MiB",
        ...env,
      },
    });
  }
}
