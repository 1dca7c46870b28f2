import type { Clock } from "@aios/kernel/clock";
import type { TimestampMs } from "@aios/kernel/units";
import { admit } from "./admission.js";
import { compareForClaim, type Waiting } from "./claim-order.js";
import { deadlinePassed, failureOf } from "./work-policy.js";
import {
  type Claim,
  type Failure,
  leaseLost,
  MAX_ENDED_AT_ONCE,
  type QueuePlace,
  type WorkerState,
  type WorkQueue,
} from "./work-queue.js";

/** New work. Two requests of one `id` are told apart by their `fingerprint`. */
export interface WorkRequest<T> {
  readonly id: string;
  readonly group: string;
  readonly fingerprint: string;
  readonly priority: number;
  readonly deadline: TimestampMs | undefined;
  readonly work: T;
}

interface Entry<T> extends Waiting {
  readonly request: WorkRequest<T>;
  state: "open" | "done" | "failed";
  abandonments: number;
  attempts: number;
  fencingToken: bigint;
  leaseUntilMs: number | undefined;
  dueAtMs: number;
  failure: Failure | undefined;
}

/**
 * The queue's rules over a map: the reference that durable adapters are compared with, and the queue of a worker that may
 * forget its work. Not durable. Each call looks at all work that has not ended.
 */
export class MemoryWorkQueue<T> implements WorkQueue<T> {
  readonly #entries = new Map<string, Entry<T>>();

  constructor(
    private readonly clock: Clock,
    private readonly limit: number,
  ) {}

  /** Adds or replaces work. Answers what became of the request; throws `prover-queue-full`. */
  request(request: WorkRequest<T>): "add" | "known" | "replace" | "decided" {
    const before = this.#entries.get(request.id);
    const present =
      before === undefined
        ? undefined
        : {
            isOpen: before.state === "open",
            hasResult: before.state === "done",
            isSame: before.request.fingerprint === request.fingerprint,
          };
    const admission = admit(present, this.#open().length, this.limit, 1_000);
    if (admission === "known" || admission === "decided") return admission;
    const nowMs = this.clock.now();
    this.#entries.set(request.id, {
      id: request.id,
      group: request.group,
      priority: request.priority,
      deadlineMs: request.deadline,
      requestedAtMs: nowMs,
      request,
      state: "open",
      abandonments: 0,
      attempts: 0,
      fencingToken: (before?.fencingToken ?? 0n) + 1n,
      leaseUntilMs: undefined,
      dueAtMs: nowMs,
      failure: undefined,
    });
    return admission;
  }

  async claim(worker: WorkerState): Promise<{ readonly claim: Claim; readonly work: T } | undefined> {
    const nowMs = this.clock.now();
    const context = { loaded: new Set(worker.loaded), patienceMs: worker.patienceMs, nowMs };
    const [first] = this.#open()
      .filter(
        (entry) => entry.dueAtMs <= nowMs && !isHeld(entry, nowMs) && !worker.leaves?.includes(entry.id),
      )
      .sort((a, b) => compareForClaim(asWaiting(a), asWaiting(b), context));
    if (first === undefined) return undefined;
    if (first.leaseUntilMs !== undefined) first.abandonments++;
    first.attempts++;
    first.fencingToken++;
    first.leaseUntilMs = nowMs + worker.leaseMs;
    const { id, fencingToken, attempts, abandonments, request } = first;
    const claim = {
      id,
      fencingToken,
      attempts,
      abandonments,
      deadline: request.deadline,
      traceHeaders: {},
    };
    return { claim, work: request.work };
  }

  async renew(claim: Claim, leaseMs: number): Promise<boolean> {
    const entry = this.#held(claim);
    if (entry === undefined) return false;
    entry.leaseUntilMs = this.clock.now() + leaseMs;
    return true;
  }

  async postpone(claim: Claim, until: TimestampMs): Promise<void> {
    const entry = this.#held(claim);
    if (entry === undefined) return;
    entry.leaseUntilMs = undefined;
    entry.dueAtMs = until;
  }

  async fail(claim: Claim, failure: Failure): Promise<void> {
    const entry = this.#held(claim);
    if (entry === undefined) throw leaseLost();
    entry.state = "failed";
    entry.failure = failure;
  }

  /** Ends the work with its result, which the caller keeps. Throws `work-lease-lost`. */
  async complete(claim: Claim): Promise<void> {
    const entry = this.#held(claim);
    if (entry === undefined) throw leaseLost();
    entry.state = "done";
  }

  async endOverdue(): Promise<number> {
    const nowMs = this.clock.now();
    const overdue = this.#open()
      .filter((entry) => (entry.deadlineMs ?? Number.POSITIVE_INFINITY) <= nowMs && !isHeld(entry, nowMs))
      .slice(0, MAX_ENDED_AT_ONCE);
    for (const entry of overdue) {
      entry.state = "failed";
      entry.failure = failureOf(deadlinePassed(entry.deadlineMs as number));
    }
    return overdue.length;
  }

  async depth(): Promise<number> {
    return this.#open().length;
  }

  async place(id: string): Promise<QueuePlace | undefined> {
    const nowMs = this.clock.now();
    const waiting = this.#open().filter((entry) => !isHeld(entry, nowMs));
    const own = waiting.find((entry) => entry.id === id);
    if (own === undefined) return undefined;
    const nothingLoaded = { loaded: new Set<string>(), patienceMs: Number.POSITIVE_INFINITY, nowMs };
    const before = waiting.filter(
      (other) => compareForClaim(asWaiting(other), asWaiting(own), nothingLoaded) < 0,
    );
    return { place: before.length + 1, waiting: waiting.length };
  }

  /** How work ended; undefined while it has not. */
  ended(id: string): "done" | Failure | undefined {
    const entry = this.#entries.get(id);
    return entry?.state === "done" ? "done" : entry?.failure;
  }

  #open(): Entry<T>[] {
    return [...this.#entries.values()].filter(({ state }) => state === "open");
  }

  #held({ id, fencingToken }: Claim): Entry<T> | undefined {
    const entry = this.#entries.get(id);
    return entry?.state === "open" && entry.fencingToken === fencingToken ? entry : undefined;
  }
}

function isHeld({ leaseUntilMs }: Pick<Entry<unknown>, "leaseUntilMs">, nowMs: number): boolean {
  return leaseUntilMs !== undefined && leaseUntilMs > nowMs;
}

/** A lease that ran out counts already: its holder vanished. */
function asWaiting<T>(entry: Entry<T>): Waiting {
  return { ...entry, abandonments: entry.abandonments + (entry.leaseUntilMs === undefined ? 0 : 1) };
}
