import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aios/kernel/clock";
import { address, type TenantId } from "@aios/kernel/identifiers";
import { generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authorise } from "./caller-guard.js";
import { generateServiceKeys } from "./service-keys.js";
import {
  createTokenIssuer,
  createTokenVerifier,
  loadTokenIssuer,
  loadTrustBundle,
  type TokenIssuer,
  type TokenVerifier,
} from "./service-token.js";

const ALICE = address(`0x${"a1".repeat(20)}`);
const START_MS = 1_800_000_000_000;
const directory = mkdtempSync(join(tmpdir(), "aios-token-"));
const file = (name: string): string => join(directory, name);

let clock: ManualClock;
let gateway: TokenIssuer;
let compute: TokenIssuer;
let storage: TokenVerifier;

beforeAll(async () => {
  const keys = await generateServiceKeys(["gateway", "compute"]);
  for (const [name, jwk] of keys.privateKeys) writeFileSync(file(name), JSON.stringify(jwk));
  writeFileSync(file("trust"), JSON.stringify(keys.trustBundle));
  clock = new ManualClock(START_MS);
  gateway = await loadTokenIssuer("gateway", file("gateway"), clock);
  compute = await loadTokenIssuer("compute", file("compute"), clock);
  storage = createTokenVerifier("storage", await loadTrustBundle(file("trust")), clock);
});

afterAll(() => rmSync(directory, { recursive: true }));

describe("service tokens", () => {
  it("say who calls and for whom", async () => {
    expect(await storage.verify(await gateway.issue("storage"))).toEqual({
      service: "gateway",
      role: "service",
    });
    const subject = { account: ALICE, tenant: "account:x" as TenantId };
    expect(await storage.verify(await gateway.issue("storage", subject))).toEqual({
      service: "gateway",
      role: "service",
      ...subject,
    });
  });

  it("are used again for a while, per audience and subject, and then made anew", async () => {
    const first = await gateway.issue("storage");
    expect(await gateway.issue("storage")).toBe(first);
    expect(await gateway.issue("compute")).not.toBe(first);
    expect(await gateway.issue("storage", { account: ALICE })).not.toBe(first);
    clock.advance(31_000);
    expect(await gateway.issue("storage")).not.toBe(first);
    expect((await storage.verify(first)).service).toBe("gateway");
    clock.advance(35_000);
    await expect(storage.verify(first)).rejects.toMatchObject({ code: "invalid-token", message: /expired/ });
  });

  it("of a provider are accepted from compute only, for their lifetime", async () => {
    const session = await compute.issueProviderSession(ALICE, "storage", 600_000);
    expect(await storage.verify(session)).toEqual({ service: "compute", role: "provider", account: ALICE });
    clock.advance(599_000);
    expect((await storage.verify(session)).account).toBe(ALICE);
    clock.advance(10_000);
    await expect(storage.verify(session)).rejects.toMatchObject({ code: "invalid-token" });
    await expect(
      storage.verify(await gateway.issueProviderSession(ALICE, "storage", 60_000)),
    ).rejects.toMatchObject({
      code: "invalid-token",
    });
  });

  it("are refused when signed by another key, by another service, or without a signature", async () => {
    const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519" });
    const impostor = createTokenIssuer("gateway", privateKey, clock);
    const now = Math.floor(clock.now() / 1_000);
    const borrowed = await new SignJWT({ role: "service" })
      .setProtectedHeader({ alg: "EdDSA", kid: "stranger" })
      .setIssuer("gateway")
      .setAudience("storage")
      .setIssuedAt(now)
      .setExpirationTime(now + 60)
      .sign(privateKey);
    const symmetric = await new SignJWT({ role: "service" })
      .setProtectedHeader({ alg: "HS256", kid: "gateway" })
      .setIssuer("gateway")
      .setAudience("storage")
      .setIssuedAt(now)
      .setExpirationTime(now + 60)
      .sign(new Uint8Array(32));
    const [, body] = (await gateway.issue("storage")).split(".");
    const none = `${Buffer.from('{"alg":"none","kid":"gateway"}').toString("base64url")}.${body}.`;
    for (const token of [
      await impostor.issue("storage"),
      borrowed,
      symmetric,
      none,
      await gateway.issue("compute"),
      "",
      "x.y.z",
    ]) {
      await expect(storage.verify(token)).rejects.toMatchObject({
        code: "invalid-token",
        kind: "unauthenticated",
      });
    }
  });

  it("need proper key files, and the error names variable and file", async () => {
    writeFileSync(file("garbage"), "{");
    writeFileSync(file("empty"), "{}");
    await expect(loadTrustBundle(file("absent"))).rejects.toMatchObject({
      code: "bad-key-file",
      message: /AIOS_TRUST_BUNDLE_FILE names .*absent/,
    });
    await expect(loadTrustBundle(file("garbage"))).rejects.toMatchObject({ message: /not JSON/ });
    await expect(loadTrustBundle(file("empty"))).rejects.toMatchObject({ message: /no keys/ });
    await expect(loadTokenIssuer("gateway", file("trust"))).rejects.toMatchObject({
      message: /AIOS_SERVICE_KEY_FILE/,
    });
  });
});

describe("authorise", () => {
  const service = { service: "gateway", role: "service" } as const;
  const provider = { service: "compute", role: "provider", account: ALICE } as const;

  it("denies by default", () => {
    expect(() => authorise([], service, "m")).toThrowError(
      expect.objectContaining({ code: "caller-not-allowed" }),
    );
    expect(() => authorise(["gateway"], undefined, "m")).toThrowError(
      expect.objectContaining({ code: "unauthenticated" }),
    );
  });

  it("tells a provider's session from the service that issued it", () => {
    expect(() => authorise(["compute"], provider, "m")).toThrowError(
      expect.objectContaining({ code: "caller-not-allowed" }),
    );
    expect(() => authorise(["provider"], provider, "m")).not.toThrow();
    expect(() => authorise(["provider"], { service: "provider", role: "service" }, "m")).toThrowError();
    expect(() => authorise(["gateway"], service, "m")).not.toThrow();
    expect(() => authorise(["anonymous"], undefined, "m")).not.toThrow();
  });
});
