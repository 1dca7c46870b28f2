import type { Clock } from "@aios/kernel/clock";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import { jobId } from "@aios/kernel/identifiers";
import type { Rng } from "@aios/kernel/random";
import { durationMs } from "@aios/kernel/units";
import {
  type ConnectRequest,
  type ConnectResponse,
  type Hello,
  JobKind,
  type LeaseOffer,
  ProviderLinkServiceService,
  type Refused,
  type RegistrationRequest,
  type SelfTest,
  type Welcome,
} from "@aios/proto/aios/compute/v1/compute";
import { createGrpcClient, type GrpcClient } from "@aios/service-kit/grpc-client";
import type { Logger } from "@aios/service-kit/logger";
import type { LeaseWorker, Link } from "../../application/lease-worker.js";
import type { AgreedTerms, WorkKind } from "../../domain/agreed-terms.js";
import { decideOffer, type PriceList } from "../../domain/lease-policy.js";
import { type NetworkPin, type PinnedNetwork, requirePinned } from "../../domain/network.js";
import type { LeaseRef, Signer, StakeLedger } from "../../domain/ports.js";
import { checkChallenge, checkRegistration, requireWithinLimit } from "../../domain/registration.js";
import { GrpcContents, type WireSecurity } from "./grpc-contents.js";
import { MessageQueue } from "./message-queue.js";

const MOST_QUEUED_MESSAGES = 2_000;
const WELCOME_WITHIN_MS = 180_000;
const LONGEST_DETAIL = 300;
const FIRST_BACKOFF_MS = 250;
const LONGEST_BACKOFF_MS = 5_000;
/** Code of the refusal that an older link gets when the same key opens another. */
const REPLACED = "link-replaced";
const HEARTBEAT_BOUNDS_MS = [200, 60_000] as const;

export interface ComputeLinkOptions {
  readonly url: string;
  readonly tls?: WireSecurity;
  /** The one network that is signed for. */
  readonly pin: NetworkPin;
  readonly stakes: StakeLedger;
  readonly signer: Signer;
  readonly hello: Hello;
  readonly selfTest: SelfTest;
  readonly prices: PriceList;
  readonly kinds: readonly WorkKind[];
  readonly maxParallelJobs: number;
  readonly maxStakeWei: bigint;
  readonly worker: LeaseWorker;
  readonly rng: Rng;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The provider's one connection to compute: dialled out, proven, kept alive, and dialled again when it breaks. */
export class ComputeLink {
  readonly #options: ComputeLinkOptions;
  readonly #client: GrpcClient<typeof ProviderLinkServiceService>;
  /** Accepted offers that are not granted yet, by job and token → time until which the promise binds. */
  readonly #promised = new Map<string, number>();
  #session: Session | undefined;
  #draining = false;
  #everWelcome = false;
  #backoffMs = FIRST_BACKOFF_MS;
  #sessionToken = "";
  #storage: { readonly url: string; readonly contents: GrpcContents } | undefined;

  constructor(options: ComputeLinkOptions) {
    this.#options = options;
    this.#client = createGrpcClient(ProviderLinkServiceService, options.url, {
      audience: "compute",
      ...options.tls,
    });
  }

  /** True while compute has welcomed this connection. */
  get welcomed(): boolean {
    return this.#session?.welcomed === true;
  }

  /** Keeps connected until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { logger, clock } = this.#options;
    while (!signal.aborted) {
      this.#everWelcome = false;
      const error = await this.#connectOnce(signal);
      if (signal.aborted) break;
      this.#backoffMs = this.#everWelcome
        ? FIRST_BACKOFF_MS
        : Math.min(this.#backoffMs * 2, LONGEST_BACKOFF_MS);
      const reason = isCodedError(error)
        ? { code: error.code, reason: error.message, ...networkDetail(error.cause) }
        : { error };
      logger.warn({ ...reason, retryInMs: this.#backoffMs }, "the connection to compute ended");
      const jitter = 0.75 + (0.5 * (this.#options.rng.bytes(1)[0] ?? 0)) / 255;
      await clock.wait(durationMs(Math.round(this.#backoffMs * jitter)), signal).catch(() => undefined);
    }
    this.#client[Symbol.dispose]();
    this.#storage?.contents[Symbol.dispose]();
  }

  /** Takes no more leases and says so. */
  drain(): void {
    this.#draining = true;
    this.#session?.heartbeat();
  }

  /** Why the connection ended. */
  async #connectOnce(signal: AbortSignal): Promise<unknown> {
    let network: PinnedNetwork;
    try {
      network = await this.#options.pin.network(signal);
    } catch (error) {
      return error;
    }
    const ending = new AbortController();
    const session = new Session(this, this.#options, network, AbortSignal.any([signal, ending.signal]));
    this.#session = session;
    try {
      const incoming = this.#client.connect(session.outgoing, { signal: session.signal });
      session.sayHello();
      void session.endUnlessWelcome(WELCOME_WITHIN_MS, ending);
      for await (const message of incoming) await session.handle(message);
      return undefined;
    } catch (error) {
      return error;
    } finally {
      ending.abort();
      session.close();
      this.#session = undefined;
      this.#options.worker.disconnected();
    }
  }

  get draining(): boolean {
    return this.#draining;
  }

  noteWelcome(): void {
    this.#everWelcome = true;
  }

  /** Another process links with the same key: two that take turns at full speed help nobody. */
  slowDown(): void {
    this.#everWelcome = false;
    this.#backoffMs = LONGEST_BACKOFF_MS;
  }

  /** Work that outlives a connection goes on with the newest token. */
  renewToken(sessionToken: string): void {
    this.#sessionToken = sessionToken;
  }

  contentsAt(url: string): GrpcContents {
    if (this.#storage?.url !== url) {
      const { rng, clock, tls } = this.#options;
      this.#storage?.contents[Symbol.dispose]();
      this.#storage = { url, contents: new GrpcContents(url, () => this.#sessionToken, rng, clock, tls) };
    }
    return this.#storage.contents;
  }

  /** Leases worked on or promised, except this offer itself. */
  takenBeside(key: string): number {
    const now = this.#options.clock.now();
    for (const [promise, untilMs] of this.#promised) if (untilMs < now) this.#promised.delete(promise);
    return (
      this.#options.worker.runningJobs + [...this.#promised.keys()].filter((other) => other !== key).length
    );
  }

  promise(key: string, untilMs: number): void {
    this.#promised.set(key, untilMs);
  }

  fulfil(key: string): void {
    this.#promised.delete(key);
  }
}

/** One connection, from hello to its end. */
class Session {
  readonly outgoing = new MessageQueue<ConnectRequest>(MOST_QUEUED_MESSAGES);
  readonly signal: AbortSignal;
  readonly #owner: ComputeLink;
  readonly #options: ComputeLinkOptions;
  readonly #network: PinnedNetwork;
  #challenged = false;
  #registered = false;
  welcomed = false;

  constructor(owner: ComputeLink, options: ComputeLinkOptions, network: PinnedNetwork, signal: AbortSignal) {
    this.#owner = owner;
    this.#options = options;
    this.#network = network;
    this.signal = signal;
  }

  sayHello(): void {
    this.#send({ hello: this.#options.hello });
  }

  heartbeat(): void {
    if (!this.welcomed) return;
    const { worker, clock } = this.#options;
    this.#send({
      heartbeat: {
        sentAtMs: clock.now(),
        runningJobs: worker.runningJobs,
        draining: this.#owner.draining,
        leases: worker.leases(),
      },
    });
  }

  async endUnlessWelcome(withinMs: number, ending: AbortController): Promise<void> {
    await this.#options.clock.wait(durationMs(withinMs), this.signal).catch(() => undefined);
    if (!this.welcomed) ending.abort(new Error(`compute did not welcome us within ${withinMs} ms`));
  }

  close(): void {
    this.outgoing.close();
    this.welcomed = false;
  }

  async handle(message: ConnectResponse): Promise<void> {
    const { correlationId } = message;
    const { worker, logger } = this.#options;
    if (message.challenge !== undefined) {
      this.#prove(message.challenge.text, correlationId);
    } else if (message.registrationRequest !== undefined) {
      await this.#register(message.registrationRequest, correlationId);
    } else if (message.welcome !== undefined) {
      this.#welcome(message.welcome);
    } else if (message.sessionToken !== undefined) {
      this.#owner.renewToken(message.sessionToken.sessionToken);
    } else if (message.refused !== undefined) {
      this.#refused(message.refused);
    } else if (message.leaseOffer !== undefined) {
      await this.#decide(message.leaseOffer, correlationId);
    } else if (message.leaseGranted !== undefined) {
      if (!this.welcomed) throw unexpected("a grant before the welcome");
      this.#owner.fulfil(keyOf(message.leaseGranted));
      await worker.granted(message.leaseGranted);
    } else if (message.leaseRevoked !== undefined) {
      const { reason } = message.leaseRevoked;
      logger.info({ jobId: message.leaseRevoked.jobId, reason }, "lease revoked");
      this.#owner.fulfil(keyOf(message.leaseRevoked));
      await worker.ended(leaseOf(message.leaseRevoked), reason);
    } else if (message.resultAcknowledged !== undefined) {
      await worker.ended(leaseOf(message.resultAcknowledged), "it is done");
    }
  }

  /** Before the welcome a refusal ends the attempt; after it, it answers one message and the link lives on. */
  #refused({ error }: Refused): void {
    const code = error?.code ?? "refused";
    if (this.welcomed && code !== REPLACED) {
      this.#options.logger.warn({ code, reason: error?.message }, "compute refused a message");
      return;
    }
    if (code === REPLACED) this.#owner.slowDown();
    throw new CodedError({
      code,
      kind: "forbidden",
      message: `compute refused: ${error?.message ?? "no reason given"}`,
    });
  }

  #prove(text: string, correlationId: string): void {
    const { signer, url, selfTest } = this.#options;
    if (this.#challenged) throw unexpected("a second challenge");
    this.#challenged = true;
    checkChallenge(text, signer.address, url, this.#network);
    this.#send({ proof: { signature: signer.signText(text), selfTest } }, correlationId);
  }

  /** Once a connection, and only between proof and welcome; what is signed is on disk before the signature leaves. */
  async #register(request: RegistrationRequest, correlationId: string): Promise<void> {
    const { signer, maxStakeWei, stakes, clock } = this.#options;
    if (!this.#challenged) throw unexpected("a registration before the challenge");
    if (this.welcomed || this.#registered) throw unexpected("a further registration");
    this.#registered = true;
    const { toSign, stake } = checkRegistration(request.toSign, signer.address, this.#network, clock.now());
    const token = { chainId: this.#network.chainId, address: this.#network.contracts.WrappedAios };
    requireWithinLimit(await stakes.signed(token), stake, maxStakeWei);
    await stakes.add(token, stake);
    const signatures = toSign.map(({ name, data: typed }) => ({
      name,
      signature: signer.signTypedData(typed),
    }));
    this.#send({ registration: { signatures } }, correlationId);
  }

  #welcome(welcome: Welcome): void {
    const { worker, logger } = this.#options;
    if (!this.#challenged || this.welcomed) throw unexpected("a welcome without a challenge");
    requirePinned(this.#network, welcome);
    this.#owner.renewToken(welcome.sessionToken);
    this.welcomed = true;
    this.#owner.noteWelcome();
    logger.info({ chainId: welcome.chainId, storageUrl: welcome.storageUrl }, "welcomed by compute");
    const link: Link = {
      network: this.#network,
      contents: this.#owner.contentsAt(welcome.storageUrl),
      send: (message) => this.#send(message),
    };
    worker.connected(link);
    void this.#beat(welcome.heartbeatIntervalMs);
  }

  async #beat(intervalMs: number): Promise<void> {
    const [least, most] = HEARTBEAT_BOUNDS_MS;
    const interval = durationMs(Math.min(Math.max(Math.round(intervalMs), least), most));
    while (!this.signal.aborted && this.welcomed) {
      this.heartbeat();
      await this.#options.clock.wait(interval, this.signal).catch(() => undefined);
    }
  }

  async #decide(offer: LeaseOffer, correlationId: string): Promise<void> {
    const { signer, prices, kinds, maxParallelJobs, clock } = this.#options;
    if (!this.welcomed) throw unexpected("an offer before the welcome");
    const key = keyOf(offer);
    const lease = leaseOf(offer);
    const kind: WorkKind = offer.kind === JobKind.JOB_KIND_TRAINING ? "training" : "inference";
    const answer = decideOffer(
      {
        ...lease,
        kind,
        leaseTermsJson: offer.leaseTerms?.typedDataJson ?? "",
        deliverByMs: offer.deliverByMs,
      },
      {
        provider: signer.address,
        prices,
        kinds,
        maxParallelJobs,
        takenJobs: this.#owner.takenBeside(key),
        draining: this.#owner.draining,
        nowMs: clock.now(),
      },
      this.#network,
    );
    const refusal = answer.accepted ? await this.#agree(lease, answer.agreed) : answer.reason;
    if (answer.accepted && refusal === undefined) {
      this.#owner.promise(key, answer.agreed.acceptByMs);
      const signature = signer.signTypedData(answer.terms);
      this.#send(
        { leaseDecision: { ...lease, accepted: true, refusalReason: "", signature } },
        correlationId,
      );
      return;
    }
    this.#options.logger.info({ ...lease, reason: refusal }, "offer refused");
    const decision = {
      ...lease,
      accepted: false,
      refusalReason: refusal ?? "",
      signature: new Uint8Array(),
    };
    this.#send({ leaseDecision: decision }, correlationId);
  }

  /** Why the terms cannot be kept, which a signature would bind to. */
  async #agree(lease: LeaseRef, terms: AgreedTerms): Promise<string | undefined> {
    try {
      await this.#options.worker.agree(lease, terms);
      return undefined;
    } catch (error) {
      return isCodedError(error) ? error.code : "not-kept";
    }
  }

  /** A full queue means that compute does not read: what is owed stays on disk and goes over the next connection. */
  #send(message: Omit<ConnectRequest, "correlationId">, correlationId = ""): void {
    if (!this.outgoing.push({ ...message, correlationId }) && message.heartbeat === undefined) {
      this.#options.logger.debug("a message waits for the next connection");
    }
  }
}

function unexpected(what: string): CodedError {
  return new CodedError({ code: "link-protocol", kind: "invalid", message: `compute sent ${what}.` });
}

function leaseOf(message: { readonly jobId: string; readonly fencingToken: number }) {
  return { jobId: jobId(message.jobId), fencingToken: message.fencingToken };
}

function keyOf({
  jobId: id,
  fencingToken,
}: {
  readonly jobId: string;
  readonly fencingToken: number;
}): string {
  return `${id.toLowerCase()}-${fencingToken}`;
}

/** What the network said: that a name is unknown, a port closed, a certificate not trusted. */
function networkDetail(cause: unknown): { readonly detail?: string } {
  const { details } = (cause ?? {}) as { readonly details?: unknown };
  return typeof details === "string" ? { detail: details.slice(0, LONGEST_DETAIL) } : {};
}
