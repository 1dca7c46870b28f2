import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type CertificateAndKey,
  createAuthority,
  issueCertificate,
  type Lifetime,
} from "@aios/certificates/authority";
import type { TlsFiles } from "@aios/service-kit/tls-files";

const HOUR_MS = 3_600_000;
const YEAR_MS = 31_536_000_000;

export interface IssueOptions {
  readonly lifetime?: Lifetime;
  /** Names that it may be dialled by; `localhost` unless said. */
  readonly dnsNames?: readonly string[];
  /** What is written as trusted, when it is not the authority alone. */
  readonly trusted?: readonly CertificateFolder[];
}

/** An authority of its own and the files of the certificates that it issued, a folder per service. */
export class CertificateFolder {
  readonly #path: string;
  readonly #authority: CertificateAndKey;

  private constructor(path: string, authority: CertificateAndKey) {
    this.#path = path;
    this.#authority = authority;
  }

  static async create(path: string, name = "test authority"): Promise<CertificateFolder> {
    return new CertificateFolder(
      path,
      await createAuthority(name, { ...aroundNow(), notAfterMs: Date.now() + YEAR_MS }),
    );
  }

  get authorityPem(): string {
    return this.#authority.certificatePem;
  }

  filesOf(service: string): TlsFiles {
    const folder = join(this.#path, service);
    return {
      certificateFile: join(folder, "tls.crt"),
      keyFile: join(folder, "tls.key"),
      authorityFile: join(folder, "ca.crt"),
    };
  }

  /** A new certificate in the service's files, and what names them to a process. */
  async issue(service: string, options: IssueOptions = {}): Promise<Readonly<Record<string, string>>> {
    const { lifetime = aroundNow(), dnsNames = ["localhost"], trusted = [this] } = options;
    const { certificatePem, privateKeyPem } = await issueCertificate(
      this.#authority,
      { service, dnsNames },
      lifetime,
    );
    const files = this.filesOf(service);
    mkdirSync(join(this.#path, service), { recursive: true });
    writeFileSync(files.authorityFile, trusted.map(({ authorityPem }) => authorityPem).join(""));
    writeFileSync(files.keyFile, privateKeyPem, { mode: 0o600 });
    writeFileSync(files.certificateFile, certificatePem);
    return {
      AIOS_TLS_CERT_FILE: files.certificateFile,
      AIOS_TLS_KEY_FILE: files.keyFile,
      AIOS_TLS_CA_FILE: files.authorityFile,
    };
  }
}

/** Valid from an hour ago until an hour from now. */
export function aroundNow(): Lifetime {
  const nowMs = Date.now();
  return { notBeforeMs: nowMs - HOUR_MS, notAfterMs: nowMs + HOUR_MS };
}
