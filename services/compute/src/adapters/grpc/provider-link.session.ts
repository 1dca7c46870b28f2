import { randomBytes } from "node:crypto";
import { typedDataJson } from "@aios/core-settlement/signed-data";
import { isCodedError } from "@aios/kernel/coded-error";
import { type Address, address, jobId } from "@aios/kernel/identifiers";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { JoinProvider, ProviderHello } from "../../application/join-provider.use-case.js";
import { isVoidLease, type ProviderWork } from "../../application/provider-work.use-case.js";
import { handshakeTooSlow, linkProtocol, signatureMissing } from "../../domain/errors.js";
import type { ChainWriter, ProtocolFacts, ProviderStore } from "../../domain/ports.js";
import {
  challengeText,
  checkChallengeVersion,
  checkHello,
  checkServerName,
  type ProviderSelfTest,
} from "../../domain/provider.js";
import { ReportPace } from "../../domain/reported-progress.js";
import { metrics } from "../../metrics.js";
import type { HandshakeRoom } from "./handshake-room.js";
import { bytesHex, errorInfo } from "./job-mapping.js";
import { networkOfPeer } from "./peer-network.js";
import type { LinkMessage, OpenLink, ProviderLinkHub } from "./provider-link.hub.js";
import type { ConnectRequest, ConnectResponse, NamedSignatures } from "./provider-link.types.js";

export type LinkCall = ServerDuplexStream<ConnectRequest, ConnectResponse>;

export interface LinkSettings {
  readonly heartbeatIntervalMs: number;
  /** host:port that providers dial; none: any. */
  readonly serverNames: readonly string[];
  /** For hello and proof together, then for the signed registration. */
  readonly handshakeStepMs: number;
  /** For a registration on its way to the chain. */
  readonly handshakeTimeoutMs: number;
  readonly sessionTokenLifetimeMs: number;
  /** Where providers reach storage, host:port. */
  readonly storageUrl: string;
}

export interface LinkIdentity {
  issueProviderSession(provider: Address, audience: string, lifetimeMs: number): Promise<string>;
}

export interface LinkParts {
  readonly hub: ProviderLinkHub;
  readonly join: JoinProvider;
  readonly work: ProviderWork;
  readonly providers: ProviderStore;
  readonly chain: ChainWriter;
  readonly identity: LinkIdentity;
  readonly settings: LinkSettings;
  readonly handshakes: HandshakeRoom;
  readonly now: () => number;
}

/** More unsent messages than this mean a provider that does not read: its link ends. */
const MAX_UNSENT_MESSAGES = 512;
const MISSED_HEARTBEATS = 3;
const PROGRESS_INTERVAL_MS = 200;
const MAX_HEARTBEAT_LEASES = 2_000;
const MAX_MESSAGES_AT_ONCE = 16;
const STORAGE = "storage";

/** One provider's stream: handshake, then one message after the other until either side ends it. */
export class ProviderLinkSession implements OpenLink {
  readonly #call: LinkCall;
  readonly #parts: LinkParts;
  readonly #ended = new AbortController();
  readonly #pace = new ReportPace(PROGRESS_INTERVAL_MS, MAX_HEARTBEAT_LEASES);
  readonly #running = new Map<string, Promise<void>>();
  readonly #network: string;
  #deadline: NodeJS.Timeout | undefined;
  #unsent = 0;
  #heardAtMs: number;

  constructor(call: LinkCall, parts: LinkParts) {
    this.#call = call;
    this.#parts = parts;
    this.#heardAtMs = parts.now();
    this.#network = networkOfPeer(call.getPeer());
    for (const event of ["cancelled", "close", "error"] as const) call.once(event, () => this.#ended.abort());
  }

  send(message: LinkMessage, correlationId = ""): void {
    if (this.#ended.signal.aborted) return;
    if (this.#unsent >= MAX_UNSENT_MESSAGES) {
      this.#call.emit(
        "error",
        linkProtocol("link-not-read", "The provider does not read its messages; connect again."),
      );
      return;
    }
    this.#unsent += 1;
    metrics.linkMessages.add(1, { direction: "out", kind: kindOf(message) });
    this.#call.write({ correlationId, ...message }, () => {
      this.#unsent -= 1;
    });
  }

  replaced(): void {
    this.send({
      refused: { error: errorInfo(linkProtocol("link-replaced", "The provider opened another link.")) },
    });
    this.#end();
  }

  /** Resolves when the stream is over. Throws what ends it in error. */
  async run(): Promise<void> {
    const messages = (this.#call as AsyncIterable<ConnectRequest>)[Symbol.asyncIterator]();
    let provider: Address | undefined;
    const watchdog = setInterval(
      () => this.#checkHeartbeat(provider !== undefined),
      this.#parts.settings.heartbeatIntervalMs,
    );
    let leaveRoom: (() => void) | undefined;
    try {
      leaveRoom = this.#parts.handshakes.enter(this.#network);
      this.#allow(this.#parts.settings.handshakeStepMs);
      const hello = await this.#handshake(messages);
      leaveRoom();
      if (hello === undefined) return;
      clearTimeout(this.#deadline);
      provider = hello.address;
      await this.#serve(hello.address, messages);
    } catch (error) {
      if (this.#ended.signal.aborted) return;
      if (!isCodedError(error) || error.errorClass !== "user") throw error;
      this.send({ refused: { error: errorInfo(error) } });
    } finally {
      clearInterval(watchdog);
      clearTimeout(this.#deadline);
      leaveRoom?.();
      if (provider !== undefined) this.#parts.hub.closed(provider, this);
      this.#end();
    }
  }

  /** From now on the provider has so long for what comes next. */
  #allow(withinMs: number): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => {
      this.send({ refused: { error: errorInfo(handshakeTooSlow(withinMs)) } });
      this.#end();
    }, withinMs);
  }

  async #handshake(messages: AsyncIterator<ConnectRequest>): Promise<ProviderHello | undefined> {
    const first = await next(messages);
    if (first === undefined) return undefined;
    if (first.hello === undefined)
      throw linkProtocol("hello-expected", "The first message of a link is 'hello'.");
    const hello = helloOf(first);
    const server = this.#call.getHost();
    checkServerName(server, this.#parts.settings.serverNames);
    const protocol = await this.#parts.chain.protocol();
    const nonce = randomBytes(32);
    const text = challengeText(bytesHex(nonce), hello.address, server, protocol);
    this.send({ challenge: { nonce, text } }, first.correlationId);

    const second = await next(messages);
    clearTimeout(this.#deadline);
    if (second === undefined) return undefined;
    if (second.proof?.selfTest === undefined) {
      throw linkProtocol("proof-expected", "The challenge is answered with 'proof' and a self-test.");
    }
    const { selfTest: given, signature } = second.proof;
    const selfTest: ProviderSelfTest = {
      evaluatorMacsPerSecond: given.evaluatorMacsPerSecond,
      trainingSamplesPerSecond: given.trainingSamplesPerSecond,
      resultHash: bytesHex(given.resultHash),
      measuredAtMs: given.measuredAtMs,
      signature: bytesHex(given.signature),
    };
    const offer = await this.#parts.join.prove(hello, text, bytesHex(signature), selfTest);
    if (offer !== undefined) {
      const toSign = [
        { name: "registration", typedDataJson: typedDataJson(offer.registration) },
        { name: "permit", typedDataJson: typedDataJson(offer.permit) },
      ];
      this.send({ registrationRequest: { toSign, stakeWei: offer.stakeWei } }, second.correlationId);
      this.#allow(this.#parts.settings.handshakeStepMs);
      const third = await next(messages);
      clearTimeout(this.#deadline);
      if (third === undefined) return undefined;
      if (third.registration === undefined)
        throw linkProtocol("registration-expected", "Sign the registration to join.");
      const { signatures } = third.registration;
      const signed = { registration: named(signatures, "registration"), permit: named(signatures, "permit") };
      await this.#parts.join.register(
        hello,
        selfTest,
        offer,
        signed,
        this.#network,
        () => this.#allow(this.#parts.settings.handshakeTimeoutMs),
        this.#ended.signal,
      );
      await this.#welcome(hello.address, protocol, third.correlationId);
    } else {
      await this.#welcome(hello.address, protocol, second.correlationId);
    }
    return hello;
  }

  async #welcome(provider: Address, protocol: ProtocolFacts, correlationId: string): Promise<void> {
    const { heartbeatIntervalMs, storageUrl } = this.#parts.settings;
    const welcome = {
      sessionToken: await this.#sessionToken(provider),
      heartbeatIntervalMs,
      storageUrl,
      chainId: protocol.chainId,
      contracts: { ...protocol.contracts },
    };
    this.send({ welcome }, correlationId);
  }

  async #serve(provider: Address, messages: AsyncIterator<ConnectRequest>): Promise<void> {
    const { hub, settings, work } = this.#parts;
    const refresh = setInterval(() => {
      this.#sessionToken(provider).then(
        (sessionToken) => this.send({ sessionToken: { sessionToken } }),
        () => this.#end(),
      );
    }, settings.sessionTokenLifetimeMs / 2);
    try {
      hub.open(provider, this);
      await work.reconcile(provider);
      for (;;) {
        const message = await next(messages);
        if (message === undefined) return;
        this.#heardAtMs = this.#parts.now();
        metrics.linkMessages.add(1, { direction: "in", kind: kindOf(message) });
        await this.#inOrderOfJob(provider, message);
      }
    } finally {
      clearInterval(refresh);
    }
  }

  /** Messages about one job wait for each other, those about others do not; when too many run, reading waits. */
  async #inOrderOfJob(provider: Address, message: ConnectRequest): Promise<void> {
    const about = message.jobResult ?? message.leaseDecision ?? message.jobFailure ?? message.jobProgress;
    const key = about?.jobId ?? "";
    const earlier = this.#running.get(key) ?? Promise.resolve();
    const handled = earlier
      .then(() => this.#receive(provider, message))
      .catch((error: unknown) => this.#fail(error));
    this.#running.set(key, handled);
    void handled.finally(() => {
      if (this.#running.get(key) === handled) this.#running.delete(key);
    });
    if (this.#running.size >= MAX_MESSAGES_AT_ONCE) await Promise.race(this.#running.values());
  }

  /** Ours to mend: the link ends with the error and the provider comes back to try again. */
  #fail(error: unknown): void {
    if (!this.#ended.signal.aborted) this.#call.emit("error", error);
  }

  /** A refusal answers the message and leaves the link open; a failure of ours ends it, and the provider comes back. */
  async #receive(provider: Address, message: ConnectRequest): Promise<void> {
    try {
      await this.#handle(provider, message);
    } catch (error) {
      if (!isCodedError(error) || error.errorClass !== "user") throw error;
      this.send({ refused: { error: errorInfo(error) } }, message.correlationId);
      const lease = message.jobResult ?? message.leaseDecision ?? message.jobFailure;
      if (lease === undefined || !isVoidLease(error)) return;
      const { jobId: id, fencingToken } = lease;
      this.send({ leaseRevoked: { jobId: id, fencingToken, reason: error.code } }, message.correlationId);
    }
  }

  async #handle(provider: Address, message: ConnectRequest): Promise<void> {
    const { work, providers } = this.#parts;
    const { heartbeat, leaseDecision, jobProgress, jobResult, jobFailure } = message;
    if (heartbeat !== undefined) {
      await providers.touch(provider, heartbeat.draining, this.#parts.now());
      const leases = Object.entries(heartbeat.leases).slice(0, MAX_HEARTBEAT_LEASES);
      return work.revokeStale(provider, new Map(leases));
    }
    if (leaseDecision !== undefined) {
      const { fencingToken } = leaseDecision;
      const id = jobId(leaseDecision.jobId);
      if (!leaseDecision.accepted) return work.refuse(provider, id, fencingToken);
      return work.accept(provider, id, fencingToken, bytesHex(leaseDecision.signature));
    }
    if (jobProgress?.progress !== undefined) {
      const { stage, percent, message: text, figures } = jobProgress.progress;
      if (!this.#pace.admits(jobProgress.jobId, percent, this.#parts.now())) return;
      return work.progress(provider, jobId(jobProgress.jobId), jobProgress.fencingToken, {
        stage,
        percent,
        message: text,
        figures,
      });
    }
    if (jobResult !== undefined) {
      const id = jobId(jobResult.jobId);
      this.#pace.forget(id);
      await work.deliver(provider, id, {
        ...jobResult,
        deliverySignature: bytesHex(jobResult.deliverySignature),
        receiptSignature: bytesHex(jobResult.receiptSignature),
      });
      const acknowledged = { jobId: id, fencingToken: jobResult.fencingToken };
      return this.send({ resultAcknowledged: acknowledged }, message.correlationId);
    }
    if (jobFailure !== undefined) {
      const { code = "failed", message: text = "" } = jobFailure.error ?? {};
      return work.fail(provider, jobId(jobFailure.jobId), jobFailure.fencingToken, code, text);
    }
    throw linkProtocol("message-not-expected", "This message has no place after the handshake.");
  }

  #sessionToken(provider: Address): Promise<string> {
    const { identity, settings } = this.#parts;
    return identity.issueProviderSession(provider, STORAGE, settings.sessionTokenLifetimeMs);
  }

  #checkHeartbeat(welcomed: boolean): void {
    const silentMs = this.#parts.now() - this.#heardAtMs;
    if (welcomed && silentMs > this.#parts.settings.heartbeatIntervalMs * MISSED_HEARTBEATS) this.#end();
  }

  #end(): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#call.end();
    // Whoever waits for the next message has to learn that none will be read.
    this.#call.destroy();
  }
}

async function next(messages: AsyncIterator<ConnectRequest>): Promise<ConnectRequest | undefined> {
  const result = await messages.next();
  return result.done === true ? undefined : result.value;
}

function helloOf(message: ConnectRequest): ProviderHello {
  const {
    address: given,
    name,
    capabilities,
    priceWei,
  } = message.hello ?? { address: "", name: "", capabilities: undefined, priceWei: {} };
  if (capabilities === undefined)
    throw linkProtocol("hello-expected", "A provider says what it has in 'hello'.");
  checkChallengeVersion(message.hello?.challengeVersion ?? 0);
  checkHello(name, capabilities, priceWei);
  return { address: address(given), name, capabilities, priceWei };
}

function named(signatures: NamedSignatures, name: string): string {
  const found = signatures.find((candidate) => candidate.name === name);
  if (found === undefined) throw signatureMissing(name);
  return bytesHex(found.signature);
}

function kindOf(message: object): string {
  return (
    Object.entries(message).find(([key, value]) => key !== "correlationId" && value !== undefined)?.[0] ??
    "none"
  );
}
