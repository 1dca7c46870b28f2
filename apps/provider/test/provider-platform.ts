import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Address } from "@aios/kernel/identifiers";
import { ContentKeyServiceService, ContentServiceService } from "@aios/proto/aios/storage/v1/storage";
import { createGrpcClient, type GrpcClient } from "@aios/service-kit/grpc-client";
import { loadTokenIssuer } from "@aios/service-kit/service-token";
import { ContentOwner } from "@aios/testkit/content-owner";
import { type OtlpReceiver, startOtlpReceiver } from "@aios/testkit/otlp-receiver";
import { startPostgres, type TestPostgres } from "@aios/testkit/postgres";
import { writeServiceKeys } from "@aios/testkit/service-keys";
import { mainOf, ServiceProcess } from "@aios/testkit/service-process";
import { type TemporaryDirectory, temporaryDirectory } from "@aios/testkit/temporary-directory";
import { ScriptedCompute } from "./scripted-compute.js";

export const OWNER = `0x${"a1".repeat(20)}` as Address;

/** A scripted compute and the real storage service on a real database. */
export class ProviderPlatform {
  readonly compute = new ScriptedCompute();
  readonly #postgres: TestPostgres;
  readonly directory: TemporaryDirectory;
  readonly collector: OtlpReceiver;
  storage!: ServiceProcess;
  contents!: GrpcClient<typeof ContentServiceService>;
  #owner!: ContentOwner;

  private constructor(postgres: TestPostgres, directory: TemporaryDirectory, collector: OtlpReceiver) {
    this.collector = collector;
    this.#postgres = postgres;
    this.directory = directory;
  }

  static async start(): Promise<ProviderPlatform> {
    const directory = temporaryDirectory("provider");
    const platform = new ProviderPlatform(await startPostgres(), directory, await startOtlpReceiver());
    await platform.#startStorage();
    return platform;
  }

  /** A fresh secp256k1 key in a file. */
  keyFile(name: string, digit: string): string {
    const file = join(this.directory.path, `${name}.key`);
    writeFileSync(file, `${digit.repeat(64)}\n`, { mode: 0o600 });
    return file;
  }

  dataDir(name: string): string {
    return join(this.directory.path, name);
  }

  /** Encrypts, stores and deposits the key, as the owner would. */
  publish(plaintext: Uint8Array, category: string): Promise<string> {
    return this.#owner.deposit(plaintext, { leaseScopes: ["licensed-jobs"] }, category);
  }

  async download(cid: string): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for await (const { chunk } of this.contents.getContent({ cid }))
      if (chunk !== undefined) parts.push(chunk);
    return Uint8Array.from(Buffer.concat(parts));
  }

  async stop(): Promise<void> {
    this.compute.stop();
    await this.storage.kill();
    await this.#postgres.stop();
    await this.collector.close();
    this.directory.remove();
  }

  async #startStorage(): Promise<void> {
    const keyFiles = await writeServiceKeys(this.directory.path, ["storage", "gateway", "compute"]);
    this.compute.modelOwner = OWNER;
    await this.compute.start();
    const issuer = await loadTokenIssuer("compute", keyFiles.keyFile("compute"));
    this.compute.sessionToken = (provider) => issuer.issueProviderSession(provider, "storage", 600_000);
    this.storage = await ServiceProcess.start({
      main: mainOf("storage"),
      env: {
        DATABASE_URL: this.#postgres.url("aios_storage"),
        AIOS_SERVICE_KEY_FILE: keyFiles.keyFile("storage"),
        AIOS_TRUST_BUNDLE_FILE: keyFiles.trustBundleFile,
        AIOS_DATA_DIR: this.dataDir("storage"),
        COMPUTE_GRPC_URL: this.compute.url,
        OTEL_EXPORTER_OTLP_ENDPOINT: this.collector.url,
        LIBP2P_LISTEN: "/ip4/127.0.0.1/tcp/0",
      },
    });
    const url = `127.0.0.1:${this.storage.ports.grpcPort}`;
    this.compute.storageUrl = url;
    const identity = await loadTokenIssuer("gateway", keyFiles.keyFile("gateway"));
    this.contents = createGrpcClient(ContentServiceService, url, { audience: "storage", identity });
    const keys = createGrpcClient(ContentKeyServiceService, url, { audience: "storage", identity });
    this.#owner = new ContentOwner(OWNER, { contents: this.contents, keys });
  }
}
