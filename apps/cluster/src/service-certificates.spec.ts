import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { MemoryNamespace } from "../test/support/memory-namespace.js";
import { issueServiceCertificates } from "./service-certificates.js";

const NAMES = { release: "aios", namespace: "prod", services: ["gateway", "zk-prover"], hosts: [] };
const NOW_MS = Date.UTC(2030, 0, 1);
const DAY_MS = 86_400_000;
const quiet = (): void => undefined;

function certificateOf(namespace: MemoryNamespace, secret: string): X509Certificate {
  return new X509Certificate(namespace.objects.get(`secrets/${secret}`)?.["tls.crt"] ?? "");
}

describe("issueServiceCertificates", () => {
  it("makes an authority, and for each service a certificate of it with the service's names", async () => {
    const namespace = new MemoryNamespace();
    await issueServiceCertificates(namespace, { ...NAMES, hosts: ["gpu.example.org"] }, NOW_MS, quiet);
    expect(namespace.created).toEqual([
      "secrets/aios-tls-authority",
      "secrets/aios-tls-gateway",
      "secrets/aios-tls-zk-prover",
    ]);
    const authority = certificateOf(namespace, "aios-tls-authority");
    const prover = certificateOf(namespace, "aios-tls-zk-prover");
    expect(authority.ca).toBe(true);
    expect(prover.ca).toBe(false);
    expect(prover.checkIssued(authority) && prover.verify(authority.publicKey)).toBe(true);
    expect(prover.checkHost("aios-zk-prover.prod.svc")).toBeDefined();
    expect(prover.checkHost("gpu.example.org")).toBeDefined();
    expect(prover.checkHost("aios-gateway")).toBeUndefined();
    expect(prover.subjectAltName).toContain("URI:spiffe://aios/zk-prover");
    const secret = namespace.objects.get("secrets/aios-tls-zk-prover") ?? {};
    expect(secret["ca.crt"]).toBe(namespace.objects.get("secrets/aios-tls-authority")?.["tls.crt"]);
    expect(Object.values(secret).join("")).not.toContain(
      namespace.objects.get("secrets/aios-tls-authority")?.["tls.key"],
    );
  });

  it("leaves what has time, and renews what has little, of the same authority", async () => {
    const namespace = new MemoryNamespace();
    await issueServiceCertificates(namespace, NAMES, NOW_MS, quiet);
    const first = certificateOf(namespace, "aios-tls-gateway");
    await issueServiceCertificates(namespace, NAMES, NOW_MS + 9 * DAY_MS, quiet);
    expect(certificateOf(namespace, "aios-tls-gateway").serialNumber).toBe(first.serialNumber);
    const said: string[] = [];
    await issueServiceCertificates(namespace, NAMES, NOW_MS + 11 * DAY_MS, (line) => said.push(line));
    const second = certificateOf(namespace, "aios-tls-gateway");
    expect(second.serialNumber).not.toBe(first.serialNumber);
    expect(second.validToDate.getTime()).toBe(NOW_MS + 41 * DAY_MS);
    expect(second.verify(certificateOf(namespace, "aios-tls-authority").publicKey)).toBe(true);
    expect(said).toContain("secrets/aios-tls-gateway renewed: it ended on 2030-01-31T00:00:00.000Z");
  });

  it("issues anew for a new host name, and after the authority was deleted", async () => {
    const namespace = new MemoryNamespace();
    await issueServiceCertificates(namespace, NAMES, NOW_MS, quiet);
    const said: string[] = [];
    const say = (line: string): void => void said.push(line);
    await issueServiceCertificates(namespace, { ...NAMES, hosts: ["new.example.org"] }, NOW_MS, say);
    expect(said).toContain("secrets/aios-tls-gateway renewed: it lacked the host name new.example.org");
    namespace.objects.delete("secrets/aios-tls-authority");
    await issueServiceCertificates(namespace, NAMES, NOW_MS, say);
    expect(said).toContain("secrets/aios-tls-gateway renewed: it was of another authority");
  });

  it("issues nothing that would outlive its authority, and says what to do", async () => {
    const namespace = new MemoryNamespace();
    await issueServiceCertificates(namespace, NAMES, NOW_MS, quiet);
    await expect(
      issueServiceCertificates(namespace, NAMES, NOW_MS + 3_640 * DAY_MS, quiet),
    ).rejects.toMatchObject({
      code: "authority-expires",
      message: expect.stringContaining("Delete it and upgrade"),
    });
  });
});
