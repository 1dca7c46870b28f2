import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { CodedError } from "@aios/kernel/coded-error";
import { serviceUri } from "@aios/kernel/service-uri";

/** PEM files of one service's certificate (with its chain), its private key, and the authorities that it trusts. */
export interface TlsFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly authorityFile: string;
}

/** What the files held when they were read together and found good. */
export interface TlsMaterial {
  readonly certificate: Buffer;
  readonly privateKey: Buffer;
  readonly authorities: Buffer;
  readonly serialNumber: string;
  readonly expiresAtMs: number;
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
const LONGEST_CHAIN = 8;

/**
 * Reads and checks the three files: that the certificate is of this service, valid now, signed by one of the
 * authorities, and that the key is its own. Throws a `CodedError` whose message names the variable, the file, what is
 * wrong and how to mend it: `tls-file-unreadable`, `tls-certificate-expired`, `tls-certificate-not-yet-valid`,
 * `tls-certificate-untrusted`, `tls-certificate-misnamed`, `tls-key-mismatch`.
 */
export async function readTlsFiles(service: string, files: TlsFiles, nowMs: number): Promise<TlsMaterial> {
  // In this order: whoever replaces them writes authorities first and the certificate last, so that a new certificate is
  // never taken up with the authorities of before.
  const certificate = await readPem(files.certificateFile, "AIOS_TLS_CERT_FILE");
  const privateKey = await readPem(files.keyFile, "AIOS_TLS_KEY_FILE");
  const authorities = await readPem(files.authorityFile, "AIOS_TLS_CA_FILE");
  const [own, ...intermediates] = certificatesIn(certificate, files.certificateFile, "AIOS_TLS_CERT_FILE");
  const trusted = certificatesIn(authorities, files.authorityFile, "AIOS_TLS_CA_FILE");
  const about = { variable: "AIOS_TLS_CERT_FILE", file: files.certificateFile };
  if (own === undefined) throw unreadable(about.file, about.variable, "it holds no certificate");
  checkName(own, service, about);
  const chain = chainOf(own, intermediates, trusted, about);
  for (const link of chain) checkTime(link, nowMs, about);
  checkKey(own, privateKey, files);
  return {
    certificate,
    privateKey,
    authorities,
    serialNumber: own.serialNumber,
    expiresAtMs: Math.min(...chain.map((link) => link.validToDate.getTime())),
  };
}

/** Whether a certificate as TLS shows it is of the service: one of its alternative names is the service's URI. */
export function certifies(subjectAltName: string | undefined, service: string): boolean {
  // Node writes a value that could be read as two names in quotes, so equality cannot be tricked.
  return (subjectAltName ?? "").split(", ").includes(`URI:${serviceUri(service)}`);
}

/** What is said of a certificate whose time is over, at the start and later. */
export function expired(variable: string, file: string, expiresAtMs: number): CodedError {
  return tlsError(
    "tls-certificate-expired",
    variable,
    `The certificate in ${file} expired on ${new Date(expiresAtMs).toISOString()}. Put a new one there; a running process takes it up by itself.`,
  );
}

interface About {
  readonly variable: string;
  readonly file: string;
}

async function readPem(file: string, variable: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw unreadable(file, variable, error instanceof Error ? error.message : String(error));
  }
}

function certificatesIn(pem: Buffer, file: string, variable: string): readonly X509Certificate[] {
  const found = pem.toString("latin1").match(PEM_CERTIFICATE) ?? [];
  if (found.length === 0) throw unreadable(file, variable, "it holds no certificate in PEM form");
  try {
    return found.map((text) => new X509Certificate(text));
  } catch {
    throw unreadable(file, variable, "a certificate in it cannot be parsed");
  }
}

function checkName(own: X509Certificate, service: string, { variable, file }: About): void {
  if (certifies(own.subjectAltName, service)) return;
  throw tlsError(
    "tls-certificate-misnamed",
    variable,
    `The certificate in ${file} is not one of ${service}: it lacks the name ${serviceUri(service)} (it has ${own.subjectAltName ?? "none"}). Issue it for this service.`,
  );
}

function checkTime(own: X509Certificate, nowMs: number, { variable, file }: About): void {
  if (nowMs >= own.validToDate.getTime()) throw expired(variable, file, own.validToDate.getTime());
  if (nowMs >= own.validFromDate.getTime()) return;
  throw tlsError(
    "tls-certificate-not-yet-valid",
    variable,
    `The certificate in ${file} is valid only from ${own.validFromDate.toISOString()}. Check this machine's clock, or issue the certificate anew.`,
  );
}

/** From the service's own certificate to the trusted one. */
function chainOf(
  own: X509Certificate,
  intermediates: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
  { variable, file }: About,
): readonly X509Certificate[] {
  const chain = [own];
  for (let link = own; chain.length < LONGEST_CHAIN; chain.push(link)) {
    const authority = trusted.find((candidate) => isSignedBy(link, candidate));
    if (authority !== undefined) return [...chain, authority];
    const next = intermediates.find((candidate) => !chain.includes(candidate) && isSignedBy(link, candidate));
    if (next === undefined) break;
    link = next;
  }
  throw tlsError(
    "tls-certificate-untrusted",
    variable,
    `The certificate in ${file} is signed by '${own.issuer}', which is none of the authorities in AIOS_TLS_CA_FILE. Both must come from one authority.`,
  );
}

function isSignedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

function checkKey(own: X509Certificate, pem: Buffer, { keyFile, certificateFile }: TlsFiles): void {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw unreadable(keyFile, "AIOS_TLS_KEY_FILE", "it holds no private key in PEM form");
  }
  if (own.checkPrivateKey(key)) return;
  throw tlsError(
    "tls-key-mismatch",
    "AIOS_TLS_KEY_FILE",
    `The key in ${keyFile} does not belong to the certificate in ${certificateFile}. Put both there from one issue.`,
  );
}

function unreadable(file: string, variable: string, reason: string): CodedError {
  return tlsError("tls-file-unreadable", variable, `${file} cannot be used: ${reason}.`);
}

function tlsError(code: string, variable: string, message: string): CodedError {
  return new CodedError({ code, kind: "invalid", message: `${variable}: ${message}`, details: { variable } });
}
