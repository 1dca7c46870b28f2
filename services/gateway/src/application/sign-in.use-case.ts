import { textSignerOf } from "@aios/core-settlement/signed-data";
import type { Clock } from "@aios/kernel/clock";
import { address, tenantOfAccount } from "@aios/kernel/identifiers";
import type { Rng } from "@aios/kernel/random";
import type { TimestampMs } from "@aios/kernel/units";
import { SiweMessage } from "siwe";
import { sessionExpired, signInRefused } from "../domain/errors.js";
import type { AccessTokens, NonceStore, RevocationStore, Session } from "../domain/ports.js";
import { checkSignIn } from "../domain/siwe-policy.js";

export interface SignInSettings {
  readonly domains: readonly string[];
  readonly nonceLifetimeMs: number;
  readonly sessionLifetimeMs: number;
}

/** Sign-In with Ethereum: nonce, session, revocation. */
export class SignIn {
  constructor(
    private readonly nonces: NonceStore,
    private readonly revocations: RevocationStore,
    private readonly tokens: AccessTokens,
    private readonly chainId: () => Promise<number>,
    private readonly clock: Clock,
    private readonly rng: Rng,
    private readonly settings: SignInSettings,
  ) {}

  async nonce(): Promise<{ nonce: string; expiresAtMs: number; chainId: number }> {
    const chainId = await this.chainId();
    const nonce = Buffer.from(this.rng.bytes(16)).toString("hex");
    const expiresAtMs = this.clock.now() + this.settings.nonceLifetimeMs;
    await this.nonces.issue(nonce, expiresAtMs as TimestampMs);
    return { nonce, expiresAtMs, chainId };
  }

  /** Throws `sign-in-refused`. The nonce is used up only by a message that is right in all else. */
  async signIn(
    text: string,
    signature: string,
  ): Promise<{ accessToken: string; expiresAtMs: number; account: string }> {
    const message = parse(text);
    const now = this.clock.now();
    checkSignIn(
      {
        domain: message.domain,
        uri: message.uri,
        chainId: message.chainId,
        version: message.version,
        issuedAtMs: timeOf(message.issuedAt),
        expirationTimeMs: timeOf(message.expirationTime),
        notBeforeMs: timeOf(message.notBefore),
      },
      { domains: this.settings.domains, chainId: await this.chainId(), nowMs: now },
    );
    const account = address(message.address);
    if (textSignerOf(text, signature) !== account) {
      throw signInRefused("signature", "The signature is not by the account that the message names.");
    }
    if (!(await this.nonces.consume(message.nonce, now))) {
      throw signInRefused("Nonce", "The nonce is unknown, expired or used already; ask for a new one.");
    }
    const session: Session = {
      sessionId: Buffer.from(this.rng.bytes(16)).toString("hex"),
      account,
      expiresAtMs: now + this.settings.sessionLifetimeMs,
    };
    return { accessToken: await this.tokens.issue(session), expiresAtMs: session.expiresAtMs, account };
  }

  /** The session of an access token. Throws `session-invalid` or `session-expired`, revoked ones too. */
  async session(accessToken: string): Promise<Session> {
    const session = await this.tokens.read(accessToken);
    if (await this.revocations.isRevoked(session.sessionId)) throw sessionExpired();
    return session;
  }

  /** Throws `session-expired` when the session has ended since its token was read: by time, or revoked. */
  async checkStillOpen(session: Session): Promise<void> {
    const isOver = this.clock.now() >= session.expiresAtMs;
    if (isOver || (await this.revocations.isRevoked(session.sessionId))) throw sessionExpired();
  }

  async revoke(session: Session): Promise<void> {
    await this.revocations.revoke(session, tenantOfAccount(session.account));
  }
}

function parse(text: string): SiweMessage {
  try {
    return new SiweMessage(text);
  } catch {
    throw signInRefused("message", "The message is not an EIP-4361 sign-in message.");
  }
}

function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}
