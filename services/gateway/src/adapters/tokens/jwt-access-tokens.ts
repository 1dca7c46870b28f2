import type { Clock } from "@aios/kernel/clock";
import { address } from "@aios/kernel/identifiers";
import { type CryptoKey, errors, jwtVerify, SignJWT } from "jose";
import { sessionExpired, sessionInvalid } from "../../domain/errors.js";
import type { AccessTokens, Session } from "../../domain/ports.js";

const AUDIENCE = "aios-api";
const ISSUER = "gateway";
const TYPE = "at+jwt";

/** Access tokens as signed JWTs (RFC 9068's type). Another audience and type than service tokens: neither passes for the other. */
export class JwtAccessTokens implements AccessTokens {
  constructor(
    private readonly signingKey: CryptoKey,
    private readonly verifyingKey: CryptoKey,
    private readonly clock: Clock,
  ) {}

  issue(session: Session): Promise<string> {
    return new SignJWT({})
      .setProtectedHeader({ alg: "EdDSA", typ: TYPE })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(session.account)
      .setJti(session.sessionId)
      .setIssuedAt(Math.floor(this.clock.now() / 1000))
      .setExpirationTime(Math.floor(session.expiresAtMs / 1000))
      .sign(this.signingKey);
  }

  async read(token: string): Promise<Session> {
    try {
      const { payload } = await jwtVerify(token, this.verifyingKey, {
        algorithms: ["EdDSA"],
        audience: AUDIENCE,
        issuer: ISSUER,
        typ: TYPE,
        requiredClaims: ["sub", "jti", "exp"],
        currentDate: new Date(this.clock.now()),
      });
      return {
        sessionId: String(payload.jti),
        account: address(payload.sub),
        expiresAtMs: Number(payload.exp) * 1000,
      };
    } catch (error) {
      throw error instanceof errors.JWTExpired ? sessionExpired() : sessionInvalid();
    }
  }
}
