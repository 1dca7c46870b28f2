import { X509Certificate } from "node:crypto";
import { type CertificateAndKey, createAuthority, issueCertificate } from "@aios/certificates/authority";
import { CodedError } from "@aios/kernel/coded-error";
import type { KubernetesApi, StoredObject } from "./kubernetes-api.js";

export interface CertificateNames {
  /** First part of every object's and host's name: the release. */
  readonly release: string;
  readonly namespace: string;
  readonly services: readonly string[];
  /** Further host names by which `services` are dialled from outside. */
  readonly hosts: readonly string[];
}

const DAY_MS = 86_400_000;
const AUTHORITY_LIFE_MS = 3_650 * DAY_MS;
const CERTIFICATE_LIFE_MS = 30 * DAY_MS;
/** Renewed while this much is left, so that a renewal may fail for weeks before anybody notices. */
const RENEW_BEFORE_MS = 20 * DAY_MS;
/** For clocks that are behind. */
const BACKDATED_MS = 3_600_000;

/**
 * Gives every service a Secret `<release>-tls-<service>` with a certificate of the installation's own authority, whose
 * key stays in `<release>-tls-authority`. What is there and has time left stays as it is; running processes take up
 * what is renewed by themselves. Throws `authority-expires` when the authority would end before a certificate.
 */
export async function issueServiceCertificates(
  api: KubernetesApi,
  names: CertificateNames,
  nowMs: number,
  say: (line: string) => void,
): Promise<void> {
  const authority = await ensureAuthority(api, names, nowMs, say);
  for (const service of names.services) await ensureCertificate(api, names, service, authority, nowMs, say);
}

async function ensureAuthority(
  api: KubernetesApi,
  names: CertificateNames,
  nowMs: number,
  say: (line: string) => void,
): Promise<CertificateAndKey> {
  const name = `${names.release}-tls-authority`;
  const existing = asPair(await api.read("secrets", name));
  if (existing !== undefined) {
    const endsAtMs = new X509Certificate(existing.certificatePem).validToDate.getTime();
    if (endsAtMs < nowMs + CERTIFICATE_LIFE_MS) throw authorityExpires(name, endsAtMs);
    say(`secrets/${name} is there`);
    return existing;
  }
  const lifetime = { notBeforeMs: nowMs - BACKDATED_MS, notAfterMs: nowMs + AUTHORITY_LIFE_MS };
  const authority = await createAuthority(`aios ${names.namespace}/${names.release}`, lifetime);
  if (await api.create(secretOf(names, name, authority, authority.certificatePem))) {
    say(`secrets/${name} made`);
    return authority;
  }
  const others = asPair(await api.read("secrets", name));
  if (others !== undefined) return others;
  throw new CodedError({
    code: "authority-incomplete",
    kind: "invalid",
    message: `secrets/${name} has no tls.crt and tls.key. Restore it, or delete it with every ${names.release}-tls-* Secret and upgrade.`,
  });
}

async function ensureCertificate(
  api: KubernetesApi,
  names: CertificateNames,
  service: string,
  authority: CertificateAndKey,
  nowMs: number,
  say: (line: string) => void,
): Promise<void> {
  const name = `${names.release}-tls-${service}`;
  const dnsNames = hostsOf(names, service);
  const entries = await api.read("secrets", name);
  const existing = asPair(entries);
  const reason = existing === undefined ? "made" : whyRenew(existing, authority, dnsNames, nowMs);
  if (reason === undefined) return say(`secrets/${name} is there`);
  const lifetime = { notBeforeMs: nowMs - BACKDATED_MS, notAfterMs: nowMs + CERTIFICATE_LIFE_MS };
  const issued = await issueCertificate(authority, { service, dnsNames }, lifetime);
  const secret = secretOf(names, name, issued, authority.certificatePem);
  if (entries === undefined) {
    if (await api.create(secret)) return say(`secrets/${name} made`);
  }
  await api.replace(secret);
  say(`secrets/${name} ${reason}`);
}

/** Why a certificate is not good enough any more; undefined while it is. */
function whyRenew(
  { certificatePem }: CertificateAndKey,
  authority: CertificateAndKey,
  dnsNames: readonly string[],
  nowMs: number,
): string | undefined {
  const certificate = new X509Certificate(certificatePem);
  if (!certificate.verify(new X509Certificate(authority.certificatePem).publicKey))
    return "renewed: it was of another authority";
  if (certificate.validToDate.getTime() - nowMs < RENEW_BEFORE_MS)
    return `renewed: it ended on ${certificate.validToDate.toISOString()}`;
  const shown = new Set((certificate.subjectAltName ?? "").split(", "));
  const lacking = dnsNames.find((host) => !shown.has(`DNS:${host}`));
  return lacking === undefined ? undefined : `renewed: it lacked the host name ${lacking}`;
}

function hostsOf({ release, namespace, hosts }: CertificateNames, service: string): readonly string[] {
  const host = `${release}-${service}`;
  const inCluster = [host, `${host}.${namespace}`, `${host}.${namespace}.svc`];
  return [...inCluster, `${host}.${namespace}.svc.cluster.local`, ...hosts];
}

function secretOf(
  { release }: CertificateNames,
  name: string,
  { certificatePem, privateKeyPem }: CertificateAndKey,
  authorityPem: string,
): StoredObject {
  return {
    kind: "secrets",
    name,
    type: "kubernetes.io/tls",
    labels: { "app.kubernetes.io/part-of": "aios", "app.kubernetes.io/instance": release },
    entries: { "tls.crt": certificatePem, "tls.key": privateKeyPem, "ca.crt": authorityPem },
  };
}

function asPair(entries: Readonly<Record<string, string>> | undefined): CertificateAndKey | undefined {
  const { "tls.crt": certificatePem, "tls.key": privateKeyPem } = entries ?? {};
  if (certificatePem === undefined || privateKeyPem === undefined) return undefined;
  return { certificatePem, privateKeyPem };
}

function authorityExpires(name: string, endsAtMs: number): CodedError {
  return new CodedError({
    code: "authority-expires",
    kind: "invalid",
    message:
      `The authority in secrets/${name} ends on ${new Date(endsAtMs).toISOString()}, before a new certificate would. ` +
      "Delete it and upgrade: every certificate is issued anew, and the services restart.",
    details: { endsAtMs },
  });
}
