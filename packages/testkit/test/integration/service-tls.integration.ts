import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { ManualClock } from "@aios/kernel/clock";
import { address } from "@aios/kernel/identifiers";
import { durationMs } from "@aios/kernel/units";
import { ConnectRequest, ProviderLinkServiceService } from "@aios/proto/aios/compute/v1/compute";
import { ContentServiceService } from "@aios/proto/aios/storage/v1/storage";
import { type CallCredentials, createGrpcClient, type GrpcClient } from "@aios/service-kit/grpc-client";
import { HealthRegistry, type ReadinessReport } from "@aios/service-kit/health";
import { tlsClientCredentials } from "@aios/service-kit/tls-client";
import { readTlsFiles } from "@aios/service-kit/tls-files";
import { TlsIdentity } from "@aios/service-kit/tls-identity";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aroundNow, CertificateFolder, type IssueOptions } from "../../src/certificate-folder.js";
import { eventually } from "../../src/eventually.js";
import type { ServiceProcess } from "../../src/service-process.js";
import { silentLogger } from "../../src/silent-logger.js";
import { bearer, SamplePlatform } from "./service-fixture.js";

const PROVIDER = address(`0x${"b2".repeat(20)}`);
const DAY_MS = 86_400_000;
const RELOAD_MS = 50;

let platform: SamplePlatform;
let certificates: CertificateFolder;
let strangers: CertificateFolder;
let storage: ServiceProcess;
const disposables: { [Symbol.dispose](): void }[] = [];

beforeAll(async () => {
  platform = await SamplePlatform.start();
  certificates = await CertificateFolder.create(join(platform.directory.path, "certificates"));
  strangers = await CertificateFolder.create(join(platform.directory.path, "strangers"), "another authority");
  storage = await platform.service("storage", {
    ...(await certificates.issue("storage")),
    AIOS_TLS_RELOAD: `${RELOAD_MS}ms`,
    AIOS_GRPC_PROVIDER_LISTEN: "127.0.0.1:0",
  });
});

afterAll(async () => {
  for (const disposable of disposables) disposable[Symbol.dispose]();
  await platform.stop();
});

async function identityOf(
  service: string,
  folder: CertificateFolder = certificates,
  options: IssueOptions = {},
): Promise<TlsIdentity> {
  await folder.issue(service, options);
  const identity = await TlsIdentity.load({
    service,
    files: folder.filesOf(service),
    reloadMs: RELOAD_MS,
    logger: silentLogger,
  });
  disposables.push({ [Symbol.dispose]: () => identity.close() });
  return identity;
}

interface ClientOptions {
  readonly tls?: Pick<TlsIdentity, "channelCredentials">;
  readonly token?: string;
  readonly identity?: CallCredentials;
  readonly port?: number | undefined;
  readonly host?: string;
}

async function content(options: ClientOptions = {}): Promise<GrpcClient<typeof ContentServiceService>> {
  const port = options.port ?? storage.ports.grpcPort;
  const client = createGrpcClient(ContentServiceService, `${options.host ?? "localhost"}:${port}`, {
    audience: "storage",
    identity: options.identity ?? (await platform.issuer(options.token ?? "gateway")),
    ...(options.tls === undefined ? {} : { channelCredentials: options.tls.channelCredentials }),
  });
  disposables.push(client);
  return client;
}

describe("a service with certificates", () => {
  it("answers a service that shows its own", async () => {
    const client = await content({ tls: await identityOf("gateway") });
    expect((await client.statContent({ cid: "x" })).ownerTenant).toBe("service:gateway::");
  });

  it("answers nobody without a certificate, and nobody with one of another authority", async () => {
    const unavailable = { kind: "unavailable" };
    await expect((await content()).statContent({ cid: "x" })).rejects.toMatchObject(unavailable);
    const foreign = await identityOf("gateway", strangers, { trusted: [strangers, certificates] });
    await expect((await content({ tls: foreign })).statContent({ cid: "x" })).rejects.toMatchObject(
      unavailable,
    );
  });

  it("refuses a service's token over the connection of another service", async () => {
    const client = await content({ tls: await identityOf("stranger"), token: "gateway" });
    await expect(client.statContent({ cid: "x" })).rejects.toMatchObject({
      code: "certificate-mismatch",
      details: { caller: "gateway" },
    });
  });

  it("is not called by another host name than its certificate has", async () => {
    const tls = await identityOf("gateway");
    const client = await content({ tls, host: "127.0.0.1" });
    await expect(client.statContent({ cid: "x" })).rejects.toMatchObject({ kind: "unavailable" });
  });

  it("lets providers in at their own address without a certificate, and no service's token there", async () => {
    const port = storage.ports.providerPort;
    const channelCredentials = await tlsClientCredentials(
      "PROVIDER_TLS_CA_FILE",
      certificates.filesOf("storage").authorityFile,
    );
    const link = createGrpcClient(ProviderLinkServiceService, `localhost:${port}`, {
      audience: "compute",
      channelCredentials,
    });
    disposables.push(link);
    async function* ask(): AsyncGenerator<ConnectRequest> {
      yield ConnectRequest.fromPartial({ correlationId: "first" });
      yield ConnectRequest.fromPartial({ correlationId: "end" });
    }
    const answers: string[] = [];
    for await (const { correlationId } of link.connect(ask())) answers.push(correlationId);
    expect(answers).toEqual(["first"]);

    const compute = await platform.issuer("compute");
    const session = bearer(compute.issueProviderSession(PROVIDER, "storage", 60_000));
    const provider = await content({ tls: { channelCredentials }, port, identity: session });
    expect((await provider.statContent({ cid: "x" })).ownerTenant).toBe(`provider:compute:${PROVIDER}:`);
    const service = await content({ tls: { channelCredentials }, port });
    await expect(service.statContent({ cid: "x" })).rejects.toMatchObject({ code: "certificate-mismatch" });
  });
});

describe("renewal", () => {
  it("fails no call while both sides' certificates and their authority are replaced, and shows the new ones", async () => {
    const next = await CertificateFolder.create(
      join(platform.directory.path, "certificates"),
      "next authority",
    );
    const tls = await identityOf("gateway");
    let goesOn = true;
    let answered = 0;
    const failures: unknown[] = [];
    const caller = async (): Promise<void> => {
      while (goesOn) {
        // A connection of its own for every few calls: most calls follow a handshake.
        const client = await content({ tls });
        for (let call = 0; call < 5; call++) {
          try {
            await client.statContent({ cid: "x" }, { idempotent: false });
            answered += 1;
          } catch (error) {
            failures.push(error);
          }
        }
        client[Symbol.dispose]();
      }
    };
    const traffic = Promise.all(Array.from({ length: 4 }, caller));
    const bothHave = async (
      folder: CertificateFolder,
      trusted: readonly CertificateFolder[],
    ): Promise<void> => {
      for (const service of ["storage", "gateway"]) await folder.issue(service, { trusted });
      const { serialNumber } = await readTlsFiles("gateway", folder.filesOf("gateway"), Date.now());
      await eventually(async () => expect(tls.serialNumber).toBe(serialNumber));
      const expected = await readTlsFiles("storage", folder.filesOf("storage"), Date.now());
      await eventually(async () => expect(await shownSerial(folder)).toBe(expected.serialNumber));
    };
    await bothHave(certificates, [certificates]);
    // First everybody trusts both authorities, then everybody shows the next one's certificates, then the first goes.
    await bothHave(certificates, [certificates, next]);
    await bothHave(next, [certificates, next]);
    await bothHave(next, [next]);
    const before = answered;
    await eventually(async () => expect(answered).toBeGreaterThan(before + 20));
    goesOn = false;
    await traffic;
    expect(failures).toEqual([]);
    // For what comes after this test.
    for (const service of ["storage", "gateway"]) await certificates.issue(service);
    await eventually(async () =>
      expect(logged("new certificate files are in use")).toBeGreaterThanOrEqual(5),
    );
  });

  it("keeps the last good files when what comes is bad, and says so", async () => {
    const { certificateFile } = certificates.filesOf("storage");
    writeFileSync(certificateFile, "not a certificate");
    await eventually(async () => expect(storage.text()).toContain("it holds no certificate in PEM form"));
    const client = await content({ tls: await identityOf("gateway") });
    expect((await client.statContent({ cid: "x" })).ownerTenant).toBe("service:gateway::");
    await certificates.issue("storage");
  });

  function logged(message: string): number {
    return storage.logs().filter((entry) => entry.message === message).length;
  }

  async function shownSerial(folder: CertificateFolder): Promise<string> {
    const read = await readTlsFiles("gateway", folder.filesOf("gateway"), Date.now());
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: "localhost",
        port: storage.ports.grpcPort ?? 0,
        servername: "localhost",
        ALPNProtocols: ["h2"],
        ca: read.authorities,
        cert: read.certificate,
        key: read.privateKey,
      });
      socket.once("error", reject);
      socket.once("secureConnect", () => {
        resolve(socket.getPeerX509Certificate()?.serialNumber ?? "");
        socket.destroy();
      });
    });
  }
});

describe("certificates that are not good", () => {
  const past = { notBeforeMs: Date.now() - 2 * DAY_MS, notAfterMs: Date.now() - DAY_MS };
  const future = { notBeforeMs: Date.now() + DAY_MS, notAfterMs: Date.now() + 2 * DAY_MS };

  it.each<[string, () => Promise<Readonly<Record<string, string>>>, RegExp]>([
    [
      "has expired",
      () => strangers.issue("sample", { lifetime: past }),
      /AIOS_TLS_CERT_FILE: The certificate in \S+ expired on \d{4}-\S+Z\. Put a new one there/,
    ],
    [
      "is not valid yet",
      () => strangers.issue("sample", { lifetime: future }),
      /valid only from .* Check this machine's clock/,
    ],
    [
      "is of another authority",
      () => strangers.issue("sample", { trusted: [certificates] }),
      /signed by 'CN=another authority', which is none of the authorities in AIOS_TLS_CA_FILE/,
    ],
    [
      "is of another service",
      async () => strangers.issue("storage"),
      /is not one of sample: it lacks the name spiffe:\/\/aios\/sample/,
    ],
    [
      "has the key of another",
      async () => {
        await strangers.issue("storage");
        return {
          ...(await strangers.issue("sample")),
          AIOS_TLS_KEY_FILE: strangers.filesOf("storage").keyFile,
        };
      },
      /The key in \S+ does not belong to the certificate/,
    ],
    [
      "is not there",
      async () => ({ ...(await strangers.issue("sample")), AIOS_TLS_CERT_FILE: "/nowhere/tls.crt" }),
      /\/nowhere\/tls.crt cannot be used: ENOENT/,
    ],
    [
      "comes without a key",
      async () => ({ ...(await strangers.issue("sample")), AIOS_TLS_KEY_FILE: "" }),
      /belong together. Set all three/,
    ],
  ])("end a service whose certificate %s, with the reason", async (_what, files, sentence) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [platform.main], {
      env: { ...platform.environment("sample"), ...(await files()) },
      encoding: "utf8",
      timeout: 30_000,
    });
    expect(status).toBeGreaterThan(0);
    expect(`${stdout}${stderr}`.replaceAll('\\"', '"')).toMatch(sentence);
  });

  it("make a running service not ready when their time is over, until new ones are there", async () => {
    const clock = new ManualClock(Date.now());
    await strangers.issue("sample");
    const files = strangers.filesOf("sample");
    const options = { service: "sample", files, reloadMs: DAY_MS, logger: silentLogger, clock };
    const identity = await TlsIdentity.load(options);
    disposables.push({ [Symbol.dispose]: () => identity.close() });
    const report = (): Promise<ReadinessReport> => {
      const health = new HealthRegistry("sample");
      identity.registerHealth(health);
      health.started();
      return health.readiness();
    };
    expect((await report()).status).toBe("ready");
    clock.advance(durationMs(DAY_MS));
    const late = await report();
    expect(late.status).toBe("not-ready");
    expect(late.checks[1]?.problem).toMatch(/expired on .* a running process takes it up by itself/);
    const { notBeforeMs } = aroundNow();
    await strangers.issue("sample", { lifetime: { notBeforeMs, notAfterMs: clock.now() + DAY_MS } });
    await identity.reload();
    expect((await report()).status).toBe("ready");
  });

  it("are seen in the metrics before", async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${storage.ports.healthPort}/metrics`)).text();
    const value = Number(/^aios_tls_certificate_remaining\S* ([0-9.]+)/m.exec(metrics)?.[1]);
    expect(value).toBeGreaterThan(0);
    expect(value).toBeLessThanOrEqual(3_600);
  });
});
