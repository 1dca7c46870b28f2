import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { CallCredentials } from "@aios/service-kit/grpc-client";
import { createTokenIssuer, type TokenIssuer } from "@aios/service-kit/service-token";
import { type CryptoKey, importJWK, type JWK } from "jose";
import { startPostgres, type TestPostgres } from "../../src/postgres.js";
import { type ServiceKeyFiles, writeServiceKeys } from "../../src/service-keys.js";
import { ServiceProcess } from "../../src/service-process.js";
import { type TemporaryDirectory, temporaryDirectory } from "../../src/temporary-directory.js";

const MAIN = fileURLToPath(new URL("../../dist/test/fixtures/sample-service.js", import.meta.url));

/** A database server, keys of a few services, and services of the sample kind on them. */
export class SamplePlatform {
  readonly postgres: TestPostgres;
  readonly directory: TemporaryDirectory;
  readonly keys: ServiceKeyFiles;
  readonly #services: ServiceProcess[] = [];

  private constructor(postgres: TestPostgres, directory: TemporaryDirectory, keys: ServiceKeyFiles) {
    this.postgres = postgres;
    this.directory = directory;
    this.keys = keys;
  }

  static async start(): Promise<SamplePlatform> {
    const directory = temporaryDirectory("platform");
    const keys = await writeServiceKeys(directory.path, [
      "storage",
      "sample",
      "gateway",
      "compute",
      "stranger",
    ]);
    return new SamplePlatform(await startPostgres(), directory, keys);
  }

  async service(
    name: "storage" | "sample",
    env: Readonly<Record<string, string>> = {},
  ): Promise<ServiceProcess> {
    const service = await ServiceProcess.start({ main: MAIN, env: { ...this.environment(name), ...env } });
    this.#services.push(service);
    return service;
  }

  environment(name: string): Record<string, string> {
    return {
      SAMPLE_NAME: name,
      DATABASE_URL: this.postgres.url(`aios_${name}`),
      EVENT_BUS_URL: this.postgres.url("aios_events"),
      AIOS_SERVICE_KEY_FILE: this.keys.keyFile(name),
      AIOS_TRUST_BUNDLE_FILE: this.keys.trustBundleFile,
      STORAGE_GRPC_URL: "127.0.0.1:9",
    };
  }

  get main(): string {
    return MAIN;
  }

  async issuer(name: string): Promise<TokenIssuer> {
    return createTokenIssuer(name, await this.privateKey(name));
  }

  async privateKey(name: string): Promise<CryptoKey> {
    const jwk = JSON.parse(readFileSync(this.keys.keyFile(name), "utf8")) as JWK;
    return (await importJWK(jwk, "EdDSA")) as CryptoKey;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#services.map((service) => service.kill()));
    await this.postgres.stop();
    this.directory.remove();
  }
}

/** Sends the same token with every call. */
export function bearer(token: string | Promise<string>): CallCredentials {
  return { issue: async () => token };
}
