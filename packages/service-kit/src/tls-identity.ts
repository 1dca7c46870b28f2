import type { Clock } from "@aios/kernel/clock";
import { type ChannelCredentials, experimental, type ServerCredentials } from "@grpc/grpc-js";
import type { HealthRegistry } from "./health.js";
import type { Logger } from "./logger.js";
import { defineMetrics } from "./metrics.js";
import { systemClock } from "./system-clock.js";
import { expired, readTlsFiles, type TlsFiles, type TlsMaterial } from "./tls-files.js";

const metrics = defineMetrics("tls", {
  certificateRemaining: {
    kind: "gauge",
    description: "time until the certificate in use expires; negative afterwards",
    unit: "s",
  },
  reloads: { kind: "counter", description: "changed certificate files that were taken up or refused" },
});

type CaListener = experimental.CaCertificateUpdateListener;
type IdentityListener = experimental.IdentityCertificateUpdateListener;

export interface TlsIdentityOptions {
  readonly service: string;
  readonly files: TlsFiles;
  /** Time between two looks at the files. */
  readonly reloadMs: number;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/**
 * The certificate by which a service shows itself, on both ends of its connections, and the authorities that it trusts.
 * Changed files are taken up for new connections when all three are good together; bad ones are logged and refused, and
 * the last good ones stay. Connections that exist go on.
 */
export class TlsIdentity implements experimental.CertificateProvider {
  readonly #options: TlsIdentityOptions;
  readonly #clock: Clock;
  readonly #authorityListeners = new Set<CaListener>();
  readonly #identityListeners = new Set<IdentityListener>();
  readonly #timer: NodeJS.Timeout;
  /** One object for all channels: connections are shared only between equal credentials. */
  readonly channelCredentials: ChannelCredentials;
  #material: TlsMaterial;
  #refusal: string | undefined;

  private constructor(options: TlsIdentityOptions, clock: Clock, material: TlsMaterial) {
    this.#options = options;
    this.#clock = clock;
    this.#material = material;
    this.channelCredentials = experimental.createCertificateProviderChannelCredentials(this, this);
    this.#timer = setInterval(() => void this.reload(), options.reloadMs);
    this.#timer.unref();
    metrics.certificateRemaining.observe(() => (this.#material.expiresAtMs - clock.now()) / 1_000);
  }

  /** Throws what `readTlsFiles` throws. */
  static async load(options: TlsIdentityOptions): Promise<TlsIdentity> {
    const clock = options.clock ?? systemClock;
    const material = await readTlsFiles(options.service, options.files, clock.now());
    return new TlsIdentity(options, clock, material);
  }

  get serialNumber(): string {
    return this.#material.serialNumber;
  }

  /** A server's side: callers must show a certificate of a trusted authority. */
  mutualServerCredentials(): ServerCredentials {
    return experimental.createCertificateProviderServerCredentials(this, this, true);
  }

  /** A server's side for callers from outside, who have no certificate. */
  openServerCredentials(): ServerCredentials {
    return experimental.createCertificateProviderServerCredentials(this, null, false);
  }

  /** Looks at the files now. */
  async reload(): Promise<void> {
    const { service, files, logger } = this.#options;
    try {
      const read = await readTlsFiles(service, files, this.#clock.now());
      this.#refusal = undefined;
      if (isSame(read, this.#material)) return;
      this.#material = read;
      this.#announce();
      metrics.reloads.add(1, { outcome: "taken-up" });
      logger.info(
        { serialNumber: read.serialNumber, expiresAt: new Date(read.expiresAtMs).toISOString() },
        "new certificate files are in use",
      );
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason === this.#refusal) return;
      this.#refusal = reason;
      metrics.reloads.add(1, { outcome: "refused" });
      logger.error({ error }, "the certificate files are not good; the last good ones stay in use");
    }
  }

  /** Neither healthy nor ready when the certificate in use has expired: no peer takes it. */
  registerHealth(health: HealthRegistry): void {
    const valid = async (): Promise<void> => {
      const { expiresAtMs } = this.#material;
      if (this.#clock.now() < expiresAtMs) return;
      throw expired("AIOS_TLS_CERT_FILE", this.#options.files.certificateFile, expiresAtMs);
    };
    health.register("tls-certificate", valid, "always");
  }

  close(): void {
    clearInterval(this.#timer);
  }

  addCaCertificateListener(listener: CaListener): void {
    this.#authorityListeners.add(listener);
    // grpc-js looks at what it is told only after it has registered itself.
    queueMicrotask(() => listener({ caCertificate: this.#material.authorities }));
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.#authorityListeners.delete(listener);
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.add(listener);
    queueMicrotask(() => listener(this.#identity()));
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.delete(listener);
  }

  #announce(): void {
    for (const listener of this.#authorityListeners) listener({ caCertificate: this.#material.authorities });
    for (const listener of this.#identityListeners) listener(this.#identity());
  }

  #identity(): experimental.IdentityCertificateUpdate {
    return { certificate: this.#material.certificate, privateKey: this.#material.privateKey };
  }
}

function isSame(a: TlsMaterial, b: TlsMaterial): boolean {
  return (
    a.certificate.equals(b.certificate) &&
    a.privateKey.equals(b.privateKey) &&
    a.authorities.equals(b.authorities)
  );
}
