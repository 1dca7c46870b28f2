import { contentId } from "@aios/core-content-id/content-id";
import type { Aead } from "@aios/core-sealing/aead";
import type { RequestedInference, RequestedTraining } from "@aios/core-settlement/request-hash";
import type { Clock } from "@aios/kernel/clock";
import { toCodedError } from "@aios/kernel/coded-error";
import { jobId as parseJobId } from "@aios/kernel/identifiers";
import type { Rng } from "@aios/kernel/random";
import { ConnectRequest, LeaseGranted } from "@aios/proto/aios/compute/v1/compute";
import { crashPoint } from "@aios/service-kit/crash-point";
import type { Logger } from "@aios/service-kit/logger";
import { inSpan } from "@aios/service-kit/tracing";
import type { AgreedTerms, WorkKind } from "../domain/agreed-terms.js";
import { checkedOrder, type OrderFacts, signDelivery, type WorkDone } from "../domain/delivery.js";
import { leaseEnded, leaseNotAgreed, malformedGrant, providerBusy } from "../domain/errors.js";
import type { PinnedNetwork } from "../domain/network.js";
import type { Contents, LeaseJournal, LeaseRef, Signer, Trainer, TrainingProgress } from "../domain/ports.js";
import { checkPlan } from "../domain/training-bounds.js";
import { runInference } from "./run-inference.js";
import { runTraining } from "./run-training.js";

/** A welcomed connection: where messages go, and what the work on its leases needs. */
export interface Link {
  readonly network: PinnedNetwork;
  readonly contents: Contents;
  send(message: Omit<ConnectRequest, "correlationId">): void;
}

interface Work {
  readonly lease: LeaseRef;
  readonly grant: LeaseGranted;
  readonly kind: WorkKind;
  /** Decimal wei, as signed for. */
  readonly priceWei: string;
  readonly abort: AbortController;
  state: "queued" | "running" | "done";
  /** Result or failure, once done. */
  outcome: ConnectRequest | undefined;
}

/** Leases held at once, done ones that are not acknowledged included. */
const MOST_LEASES = 1_000;
/** A training fills a core for many seconds; inferences take milliseconds beside it. */
const PARALLEL_TRAININGS = 1;
/** Clocks differ, and a lease comes on chain a little after it was agreed. */
const GRANT_MARGIN_MS = 10 * 60_000;

export interface LeaseWorkerPorts {
  readonly journal: LeaseJournal;
  readonly trainer: Trainer;
  readonly signer: Signer;
  readonly rng: Rng;
  readonly aead: Aead;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly maxParallelJobs: number;
}

/**
 * Works on granted leases. A grant is on disk before its work starts, the outcome before it is sent, and both stay
 * until compute acknowledges: after a death or a lost connection everything owed is worked on or sent again, and the
 * fencing token lets compute count it once.
 */
export class LeaseWorker {
  readonly #ports: LeaseWorkerPorts;
  readonly #works = new Map<string, Work>();
  /** What was signed for, granted or not. */
  readonly #agreed = new Map<string, { readonly lease: LeaseRef; readonly terms: AgreedTerms }>();
  #link: Link | undefined;
  #connected = false;
  #idle: (() => void)[] = [];

  constructor(ports: LeaseWorkerPorts) {
    this.#ports = ports;
  }

  /** Takes up what was owed before this process started. Call once, first. */
  async recover(): Promise<void> {
    for (const { jobId, fencingToken, terms } of await this.#ports.journal.agreed()) {
      const lease = { jobId, fencingToken };
      this.#agreed.set(keyOf(lease), { lease, terms });
    }
    for (const stored of await this.#ports.journal.all()) {
      const grant = LeaseGranted.decode(stored.grant);
      // Taken up by a version that kept no terms: it had signed for the price of its grant.
      const priceWei = this.#agreed.get(keyOf(stored))?.terms.priceWei ?? grant.agreedPriceWei;
      const work = this.#add(stored, grant, priceWei);
      if (stored.outcome === undefined) continue;
      work.outcome = ConnectRequest.decode(stored.outcome);
      work.state = "done";
    }
  }

  /** A connection was welcomed: sends what is owed and starts what waits. */
  connected(link: Link): void {
    this.#link = link;
    this.#connected = true;
    for (const work of this.#works.values()) this.#sendOutcome(work);
    this.#startNext();
  }

  disconnected(): void {
    this.#connected = false;
  }

  /** Keeps what is about to be signed for; without it no grant is taken. Throws `disk-full`, `provider-busy`. */
  async agree(lease: LeaseRef, terms: AgreedTerms): Promise<void> {
    await this.#forgetExpired();
    if (this.#agreed.size >= MOST_LEASES) throw providerBusy();
    await this.#ports.journal.putTerms(lease, terms);
    this.#agreed.set(keyOf(lease), { lease, terms });
  }

  /** Idempotent: a grant that is known changes nothing, except that its outcome is sent again. */
  async granted(grant: LeaseGranted): Promise<void> {
    const lease = { jobId: parseJobId(grant.jobId), fencingToken: grant.fencingToken };
    const known = this.#works.get(keyOf(lease));
    if (known !== undefined) return this.#sendOutcome(known);
    const terms = this.#agreed.get(keyOf(lease))?.terms;
    if (terms === undefined)
      return this.#refuse(lease, leaseNotAgreed("it was not offered, or not accepted"));
    if (terms.kind !== kindOf(grant) || terms.priceWei !== grant.agreedPriceWei) {
      return this.#refuse(lease, leaseNotAgreed("kind of work or price are not those that were signed"));
    }
    for (const other of this.#works.values()) {
      if (other.lease.jobId === lease.jobId) await this.ended(other.lease, "the job was leased anew");
    }
    if (this.#works.size >= MOST_LEASES) return this.#refuse(lease, providerBusy());
    try {
      crashPoint("provider.grant.before-persist");
      await this.#ports.journal.putGrant(lease, LeaseGranted.encode(grant).finish());
      crashPoint("provider.grant.after-persist");
      this.#add(lease, grant, terms.priceWei);
    } catch (error) {
      return this.#refuse(lease, error);
    }
    this.#startNext();
  }

  /** Acknowledged, revoked or replaced: nothing is owed any more. */
  async ended(lease: LeaseRef, reason: string): Promise<void> {
    const work = this.#works.get(keyOf(lease));
    const agreed = this.#agreed.delete(keyOf(lease));
    if (work === undefined && !agreed) return;
    work?.abort.abort(leaseEnded(reason));
    this.#works.delete(keyOf(lease));
    await this.#ports.journal.remove(lease);
    this.#noteIdle();
  }

  /** Every lease still owed, job id → fencing token. */
  leases(): Record<string, number> {
    return Object.fromEntries(
      [...this.#works.values()].map(({ lease }) => [lease.jobId, lease.fencingToken]),
    );
  }

  /** Leases not done. */
  get runningJobs(): number {
    return [...this.#works.values()].filter(({ state }) => state !== "done").length;
  }

  /** Resolves when nothing is owed. */
  untilIdle(): Promise<void> {
    if (this.#works.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Stops all work without ending the leases; they are taken up at the next start. */
  stop(): void {
    for (const { abort } of this.#works.values()) abort.abort(leaseEnded("the provider stops"));
    this.#works.clear();
    this.#noteIdle();
  }

  /** Promises whose time is over, with what could have been granted under them. */
  async #forgetExpired(): Promise<void> {
    const nowMs = this.#ports.clock.now();
    for (const [key, { lease, terms }] of this.#agreed) {
      const untilMs = Math.max(terms.acceptByMs, terms.deliverByMs) + GRANT_MARGIN_MS;
      if (untilMs < nowMs && !this.#works.has(key)) await this.ended(lease, "it was not granted");
    }
  }

  #add(lease: LeaseRef, grant: LeaseGranted, priceWei: string): Work {
    const kind = kindOf(grant);
    const { jobId, fencingToken } = lease;
    const work: Work = {
      lease: { jobId, fencingToken },
      grant,
      kind,
      priceWei,
      abort: new AbortController(),
      state: "queued",
      outcome: undefined,
    };
    this.#works.set(keyOf(lease), work);
    return work;
  }

  #startNext(): void {
    const link = this.#link;
    if (link === undefined) return;
    for (const work of this.#works.values()) {
      if (work.state !== "queued" || !this.#hasRoomFor(work.kind)) continue;
      work.state = "running";
      void this.#run(work, link);
    }
  }

  #hasRoomFor(kind: WorkKind): boolean {
    const running = [...this.#works.values()].filter(({ state }) => state === "running");
    if (running.length >= this.#ports.maxParallelJobs) return false;
    return (
      kind !== "training" || running.filter((other) => other.kind === "training").length < PARALLEL_TRAININGS
    );
  }

  async #run(work: Work, link: Link): Promise<void> {
    const { lease, abort } = work;
    const { logger } = this.#ports;
    let outcome: ConnectRequest;
    try {
      outcome = await inTraceOf(work, () => this.#work(work, link));
      logger.info({ ...lease, kind: work.kind }, "job done");
    } catch (error) {
      if (abort.signal.aborted) return this.#startNext();
      logger.warn({ ...lease, kind: work.kind, error }, "job failed");
      outcome = failureOf(lease, error);
    }
    try {
      crashPoint("provider.outcome.before-persist");
      await this.#ports.journal.putOutcome(lease, ConnectRequest.encode(outcome).finish());
      crashPoint("provider.outcome.after-persist");
    } catch (error) {
      // Without the outcome on disk the work would be repeated after a death; that is safe, so it is sent all the same.
      logger.error({ ...lease, error }, "the outcome could not be kept on disk");
    }
    work.outcome = outcome;
    work.state = "done";
    this.#sendOutcome(work);
    this.#startNext();
  }

  async #work(work: Work, link: Link): Promise<ConnectRequest> {
    const { lease, grant, abort } = work;
    const { clock, rng, trainer, aead } = this.#ports;
    const { jobId } = lease;
    const { inputCommitment, outputRecipientPublicKey } = grant;
    const granted = { jobId, work: requestedWork(grant), inputCommitment, outputRecipientPublicKey };
    const order = checkedOrder(grant.orderJson, granted, link.network);
    const signal = AbortSignal.any([abort.signal, AbortSignal.timeout(order.deliverWithinSeconds * 1_000)]);
    const training = grant.spec?.training;
    if (training !== undefined) {
      checkPlan(training);
      const ports = { trainer, contents: link.contents, rng, clock, aead };
      const plan = { ...lease, plan: training, outputRecipientPublicKey };
      const done = await runTraining(plan, ports, (progress) => this.#report(lease, progress), signal);
      return this.#resultOf(work, done, done.outputKeyJson, order, link.network);
    }
    if (grant.modelCid === "" || grant.inputCid === "") throw malformedGrant("it names no model or input");
    const inference = {
      ...lease,
      modelCid: contentId(grant.modelCid, "modelCid"),
      modelCommitment: grant.modelCommitment,
      inputCid: contentId(grant.inputCid, "inputCid"),
      inputCommitment,
    };
    const done = await runInference(inference, link.contents, clock, aead, signal);
    crashPoint("provider.inference.after-evaluate");
    return this.#resultOf(work, done, "", order, link.network);
  }

  #resultOf(
    work: Work,
    done: WorkDone,
    outputKeyJson: string,
    order: OrderFacts,
    network: PinnedNetwork,
  ): ConnectRequest {
    const { lease, priceWei } = work;
    const signed = signDelivery(lease, done, order, priceWei, network, this.#ports.signer);
    return ConnectRequest.fromPartial({
      jobResult: { ...lease, output: done.output, outputCid: done.outputCid, outputKeyJson, ...signed },
    });
  }

  /** Failures have no acknowledgement: once handed to a connection they are done with. */
  #sendOutcome(work: Work): void {
    if (!this.#connected || work.outcome === undefined) return;
    crashPoint("provider.outcome.before-send");
    this.#link?.send(work.outcome);
    crashPoint("provider.outcome.after-send");
    if (work.outcome.jobFailure === undefined) return;
    this.ended(work.lease, "it failed").catch((error: unknown) => {
      this.#ports.logger.error({ ...work.lease, error }, "a failed lease could not be removed from disk");
    });
  }

  #report(lease: LeaseRef, { epoch, epochs, accuracy }: TrainingProgress): void {
    if (!this.#connected) return;
    this.#link?.send({
      jobProgress: {
        ...lease,
        progress: {
          stage: "training",
          percent: Math.round((100 * epoch) / epochs),
          message: `Epoch ${epoch} of ${epochs}: ${(100 * accuracy).toFixed(1)}% of unseen images recognised.`,
          figures: { epoch: epoch.toString(), epochs: epochs.toString(), accuracy: accuracy.toFixed(4) },
        },
      },
    });
  }

  #refuse(lease: LeaseRef, error: unknown): void {
    this.#ports.logger.warn({ ...lease, error }, "a granted lease cannot be taken up");
    if (this.#connected) this.#link?.send(failureOf(lease, error));
  }

  #noteIdle(): void {
    if (this.#works.size > 0) return;
    for (const wake of this.#idle.splice(0)) wake();
  }
}

/** Every try of a lease, also one after a restart, belongs to the trace in which the job was ordered. */
function inTraceOf<T>({ lease, grant, kind }: Work, work: () => Promise<T>): Promise<T> {
  const attributes = { "aios.job.id": lease.jobId, "aios.lease.fencing_token": lease.fencingToken };
  const parent = grant.traceparent === "" ? {} : { parent: { traceparent: grant.traceparent } };
  return inSpan(`run ${kind}`, { attributes, ...parent }, work);
}

function kindOf(grant: LeaseGranted): WorkKind {
  return grant.spec?.training === undefined ? "inference" : "training";
}

/** Throws `malformed-grant`. */
function requestedWork({ spec }: LeaseGranted): RequestedTraining | RequestedInference {
  if (spec?.training !== undefined) return { kind: "training", ...spec.training };
  if (spec?.inference === undefined) throw malformedGrant("it names no work");
  return { kind: "inference", modelId: spec.inference.modelId };
}

function failureOf(lease: LeaseRef, error: unknown): ConnectRequest {
  const late = error instanceof DOMException && error.name === "TimeoutError";
  const coded = late ? leaseEnded("the time to deliver is over") : toCodedError(error);
  return ConnectRequest.fromPartial({
    jobFailure: {
      ...lease,
      error: { code: coded.code, message: coded.message, detailsJson: JSON.stringify(coded.details) },
    },
  });
}

function keyOf({ jobId, fencingToken }: LeaseRef): string {
  return `${jobId}-${fencingToken}`;
}
