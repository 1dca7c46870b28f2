import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { serviceUri } from "@aios/kernel/service-uri";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

/** A certificate and its private key (PKCS #8), both as PEM. */
export interface CertificateAndKey {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface Lifetime {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface CertificateSubject {
  /** Name of the service, as in its tokens: `zk-prover`. */
  readonly service: string;
  /** Host names under which it is dialled. */
  readonly dnsNames: readonly string[];
}

const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" } as const;

/** A new authority that may sign certificates of services and nothing below itself. */
export async function createAuthority(name: string, lifetime: Lifetime): Promise<CertificateAndKey> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity(lifetime),
    serialNumber: newSerial(),
    name: `CN=${name}`,
    keys,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return asPem(certificate, keys);
}

/** A new key and its certificate for one service, for both ends of a connection. */
export async function issueCertificate(
  authority: CertificateAndKey,
  { service, dnsNames }: CertificateSubject,
  lifetime: Lifetime,
): Promise<CertificateAndKey> {
  const issuer = new X509Certificate(authority.certificatePem);
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.create({
    ...validity(lifetime),
    serialNumber: newSerial(),
    issuer: issuer.subject,
    subject: `CN=${service}`,
    signingKey: await importKey(authority.privateKeyPem),
    signingAlgorithm: SIGNATURE,
    publicKey: keys.publicKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension([
        { type: "url", value: serviceUri(service) },
        ...dnsNames.map((value) => ({ type: "dns" as const, value })),
      ]),
    ],
  });
  return asPem(certificate, keys);
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"]);
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const [der] = PemConverter.decode(pem);
  if (der === undefined) throw new TypeError("the authority's private key is not PEM");
  return webcrypto.subtle.importKey("pkcs8", der, KEY_ALGORITHM, false, ["sign"]);
}

async function asPem(
  certificate: X509Certificate,
  { privateKey }: webcrypto.CryptoKeyPair,
): Promise<CertificateAndKey> {
  const der = await webcrypto.subtle.exportKey("pkcs8", privateKey);
  return {
    certificatePem: `${certificate.toString("pem")}\n`,
    privateKeyPem: `${PemConverter.encode(der, "PRIVATE KEY")}\n`,
  };
}

/** RFC 5280, section 4.1.2.2: positive, unique for each issuer; 120 random bits. */
function newSerial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = 0x01;
  return Buffer.from(bytes).toString("hex");
}

function validity({ notBeforeMs, notAfterMs }: Lifetime): {
  readonly notBefore: Date;
  readonly notAfter: Date;
} {
  return { notBefore: new Date(notBeforeMs), notAfter: new Date(notAfterMs) };
}
