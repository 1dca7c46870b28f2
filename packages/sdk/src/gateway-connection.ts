import type { Clock } from "@aios/kernel/clock";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import { getAddress } from "ethers/address";
import type { Session, SignInNonce } from "./api-types.js";
import { type HttpCall, HttpTransport, type HttpTransportOptions } from "./http-transport.js";
import { machineClock } from "./machine-clock.js";
import { signInText } from "./sign-in.js";
import type { AccountSigner } from "./wallet.js";

export interface ConnectionOptions extends HttpTransportOptions {
  /** Whose account this is; without it only public reads work. */
  readonly signer?: AccountSigner | undefined;
  readonly clock?: Pick<Clock, "now"> | undefined;
}

const RENEW_BEFORE_MS = 30_000;
const SIGN_IN_VALID_MS = 5 * 60_000;

/** Calls to one gateway in the name of one account: signs in when needed, renews before the session ends. */
export class GatewayConnection {
  readonly transport: HttpTransport;
  readonly #signer: AccountSigner | undefined;
  readonly #now: () => number;
  #session: Promise<Session> | undefined;

  constructor(options: ConnectionOptions) {
    this.transport = new HttpTransport(options);
    this.#signer = options.signer;
    this.#now = () => options.clock?.now() ?? machineClock.now();
  }

  now(): number {
    return this.#now();
  }

  /** The account that signs. Throws `signer-missing`. */
  get signer(): AccountSigner {
    if (this.#signer !== undefined) return this.#signer;
    throw new CodedError({
      code: "signer-missing",
      kind: "unauthenticated",
      message: "This call acts for an account: give the client a signer.",
    });
  }

  get hasSigner(): boolean {
    return this.#signer !== undefined;
  }

  /** Signs in with Ethereum (EIP-4361) and keeps the session. */
  signIn(): Promise<Session> {
    const session = this.#signIn();
    this.#session = session;
    session.catch(() => {
      if (this.#session === session) this.#session = undefined;
    });
    return session;
  }

  /** Revokes the session, if there is one. */
  async signOut(): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    this.#session = undefined;
    if (session === undefined) return;
    await this.transport.json({
      method: "POST",
      path: "/v1/auth/revocation",
      repeatable: true,
      accessToken: session.accessToken,
    });
  }

  /** A call that anyone may make; acts as the account when there is one signed in. */
  async open<T>(call: HttpCall): Promise<T> {
    return this.transport.json<T>(call);
  }

  /** A call in the account's name; signs in first when needed, once more when the session was refused. */
  signed<T>(call: HttpCall): Promise<T> {
    return this.#asAccount((accessToken) => this.transport.json<T>({ ...call, accessToken }));
  }

  /** As `signed`, for an event stream. */
  signedStream(call: HttpCall): Promise<ReadableStream<Uint8Array>> {
    return this.#asAccount((accessToken) => this.transport.stream({ ...call, accessToken }));
  }

  async #asAccount<T>(act: (accessToken: string) => Promise<T>): Promise<T> {
    const session = await this.#liveSession();
    try {
      return await act(session.accessToken);
    } catch (error) {
      if (!isCodedError(error) || error.kind !== "unauthenticated") throw error;
      return act((await this.signIn()).accessToken);
    }
  }

  async #liveSession(): Promise<Session> {
    const session = await this.#session?.catch(() => undefined);
    if (session !== undefined && session.expiresAtMs - RENEW_BEFORE_MS > this.#now()) return session;
    return this.signIn();
  }

  async #signIn(): Promise<Session> {
    const signer = this.signer;
    const nonce = await this.transport.json<SignInNonce>({
      method: "POST",
      path: "/v1/auth/nonce",
      json: {},
      repeatable: true,
    });
    const origin = new URL(this.transport.baseUrl);
    const now = this.#now();
    const message = signInText({
      domain: origin.host,
      address: getAddress(signer.address),
      statement: "Sign in to AiOS. This costs nothing and moves no money.",
      uri: origin.origin,
      chainId: nonce.chainId,
      nonce: nonce.nonce,
      issuedAt: new Date(now).toISOString(),
      expirationTime: new Date(now + SIGN_IN_VALID_MS).toISOString(),
    });
    const signature = await signer.signMessage(message);
    return this.transport.json<Session>({
      method: "POST",
      path: "/v1/auth/siwe",
      json: { message, signature },
      // The nonce lets a signature sign in once, whoever repeats it.
      repeatable: true,
    });
  }
}

/** A fresh idempotency key (UUID). */
export function newIdempotencyKey(): string {
  return globalThis.crypto.randomUUID();
}
