import { readFile } from "node:fs/promises";
import type { Clock } from "@aios/kernel/clock";
import { CodedError } from "@aios/kernel/coded-error";
import { type Address, address, type TenantId } from "@aios/kernel/identifiers";
import { type CryptoKey, errors, importJWK, type JWK, jwtVerify, SignJWT } from "jose";
import type { Caller, OnBehalfOf } from "./caller-context.js";
import { systemClock } from "./system-clock.js";

const TOKEN_LIFETIME_SECONDS = 60;
const REUSE_FOR_MS = 30_000;
const CLOCK_TOLERANCE_SECONDS = 5;
const LARGEST_CACHE = 2_000;
/** Only this service issues provider sessions. */
export const PROVIDER_SESSION_ISSUER = "compute";

/** Signs the tokens of one service. */
export interface TokenIssuer {
  readonly service: string;
  /** A token for one call to `audience`, reused for half its life. */
  issue(audience: string, subject?: OnBehalfOf): Promise<string>;
  /** A provider's session: role `provider`, subject its address. Only `compute`'s are accepted anywhere. */
  issueProviderSession(provider: Address, audience: string, lifetimeMs: number): Promise<string>;
}

/** Checks tokens that are addressed to one service. */
export interface TokenVerifier {
  /** Throws `invalid-token`. */
  verify(token: string): Promise<Caller>;
}

/** Ed25519 keys of all services by name, as in a trust bundle. */
export type TrustBundle = ReadonlyMap<string, CryptoKey>;

export async function loadTrustBundle(file: string): Promise<TrustBundle> {
  const parsed = (await readJson(file, "AIOS_TRUST_BUNDLE_FILE")) as { keys?: readonly JWK[] };
  const entries: [string, CryptoKey][] = [];
  for (const jwk of parsed.keys ?? []) {
    if (jwk.kid === undefined) throw badKeyFile(file, "AIOS_TRUST_BUNDLE_FILE", "a key has no 'kid'");
    entries.push([jwk.kid, await importEd25519(jwk, file, "AIOS_TRUST_BUNDLE_FILE")]);
  }
  if (entries.length === 0) throw badKeyFile(file, "AIOS_TRUST_BUNDLE_FILE", "it holds no keys");
  return new Map(entries);
}

export async function loadTokenIssuer(
  service: string,
  keyFile: string,
  clock: Clock = systemClock,
): Promise<TokenIssuer> {
  const jwk = (await readJson(keyFile, "AIOS_SERVICE_KEY_FILE")) as JWK;
  if (jwk.d === undefined) throw badKeyFile(keyFile, "AIOS_SERVICE_KEY_FILE", "it is not a private key");
  return createTokenIssuer(service, await importEd25519(jwk, keyFile, "AIOS_SERVICE_KEY_FILE"), clock);
}

export function createTokenIssuer(service: string, key: CryptoKey, clock: Clock = systemClock): TokenIssuer {
  const cache = new BoundedCache<string>();
  const sign = (
    claims: Record<string, string>,
    audience: string,
    lifetimeSeconds: number,
  ): Promise<string> => {
    const issuedAt = Math.floor(clock.now() / 1_000);
    return new SignJWT(claims)
      .setProtectedHeader({ alg: "EdDSA", kid: service, typ: "JWT" })
      .setIssuer(service)
      .setAudience(audience)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + lifetimeSeconds)
      .sign(key);
  };
  return {
    service,
    async issue(audience, subject = {}) {
      const cacheKey = JSON.stringify([audience, subject.account, subject.tenant]);
      const known = cache.get(cacheKey, clock.now());
      if (known !== undefined) return known;
      const token = await sign(
        {
          role: "service",
          ...(subject.account === undefined ? {} : { account: subject.account }),
          ...(subject.tenant === undefined ? {} : { tenant: subject.tenant }),
        },
        audience,
        TOKEN_LIFETIME_SECONDS,
      );
      cache.set(cacheKey, token, clock.now() + REUSE_FOR_MS, clock.now());
      return token;
    },
    issueProviderSession(provider, audience, lifetimeMs) {
      return sign(
        { role: "provider", sub: provider, account: provider },
        audience,
        Math.ceil(lifetimeMs / 1_000),
      );
    },
  };
}

export function createTokenVerifier(
  service: string,
  trust: TrustBundle,
  clock: Clock = systemClock,
): TokenVerifier {
  const cache = new BoundedCache<Caller>();
  return {
    async verify(token) {
      const known = cache.get(token, clock.now());
      if (known !== undefined) return known;
      const { caller, expiresAtMs } = await verifyToken(token, service, trust, clock);
      cache.set(token, caller, expiresAtMs, clock.now());
      return caller;
    },
  };
}

async function verifyToken(
  token: string,
  audience: string,
  trust: TrustBundle,
  clock: Clock,
): Promise<{ caller: Caller; expiresAtMs: number }> {
  let signer: string | undefined;
  try {
    const { payload } = await jwtVerify(
      token,
      (header) => {
        signer = header.kid;
        const key = header.kid === undefined ? undefined : trust.get(header.kid);
        if (key === undefined) throw new errors.JWSSignatureVerificationFailed("unknown signer");
        return key;
      },
      {
        algorithms: ["EdDSA"],
        audience,
        requiredClaims: ["iss", "exp", "iat", "role"],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(clock.now()),
      },
    );
    if (payload.iss !== signer)
      throw new errors.JWTClaimValidationFailed("issuer is not the signer", payload);
    const role = payload["role"];
    if (role !== "service" && role !== "provider") {
      throw new errors.JWTClaimValidationFailed("unknown role", payload);
    }
    if (role === "provider" && payload.iss !== PROVIDER_SESSION_ISSUER) {
      throw new errors.JWTClaimValidationFailed("not an issuer of provider sessions", payload);
    }
    const account = role === "provider" ? payload.sub : payload["account"];
    const tenant = payload["tenant"];
    if (role === "provider" && account === undefined) {
      throw new errors.JWTClaimValidationFailed("a provider session names no provider", payload);
    }
    return {
      caller: {
        service: payload.iss as string,
        role,
        ...(account === undefined ? {} : { account: address(account, "account") }),
        ...(typeof tenant === "string" ? { tenant: tenant as TenantId } : {}),
      },
      expiresAtMs: (payload.exp as number) * 1_000,
    };
  } catch (error) {
    throw new CodedError({
      code: "invalid-token",
      kind: "unauthenticated",
      message:
        error instanceof errors.JWTExpired
          ? "The token has expired; get a new one and call again."
          : "The token is not valid here.",
      cause: error,
    });
  }
}

async function importEd25519(jwk: JWK, file: string, variable: string): Promise<CryptoKey> {
  if (jwk.kty !== "OKP" || jwk.crv !== "Ed25519") throw badKeyFile(file, variable, "a key is not Ed25519");
  return (await importJWK(jwk, "EdDSA")) as CryptoKey;
}

async function readJson(file: string, variable: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as unknown;
  } catch (error) {
    throw badKeyFile(file, variable, error instanceof SyntaxError ? "it is not JSON" : "it cannot be read");
  }
}

function badKeyFile(file: string, variable: string, reason: string): CodedError {
  return new CodedError({
    code: "bad-key-file",
    kind: "invalid",
    message: `${variable} names ${file}, but ${reason}. Point it to a key file written by the launcher.`,
    details: { variable },
  });
}

/** Entries expire; when full, expired ones go first, then the oldest. */
class BoundedCache<T> {
  readonly #entries = new Map<string, { readonly value: T; readonly expiresAtMs: number }>();

  get(key: string, nowMs: number): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.expiresAtMs > nowMs) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, value: T, expiresAtMs: number, nowMs: number): void {
    if (this.#entries.size >= LARGEST_CACHE) {
      for (const [other, entry] of this.#entries) if (entry.expiresAtMs <= nowMs) this.#entries.delete(other);
      for (const other of this.#entries.keys()) {
        if (this.#entries.size < LARGEST_CACHE) break;
        this.#entries.delete(other);
      }
    }
    this.#entries.set(key, { value, expiresAtMs });
  }
}
