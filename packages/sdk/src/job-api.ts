import { requestHash } from "@aios/core-settlement/request-hash";
import { JOB_KIND } from "@aios/core-settlement/typed-data";
import { inputCommitment } from "@aios/core-zkml/input-commitment";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import { keccak256 } from "ethers/crypto";
import type {
  Job,
  JobPayment,
  JobQuotes,
  JobSpec,
  MoneyExplanation,
  Page,
  PlacementExplanation,
  PreparedJobResponse,
  ProofJob,
  Protocol,
  Receipt,
  SigningRequest,
  Verification,
  VerificationQuote,
} from "./api-types.js";
import { parseEventStream } from "./event-stream.js";
import { type GatewayConnection, newIdempotencyKey } from "./gateway-connection.js";
import { fromHex, toHex32 } from "./hex.js";
import { pause } from "./http-transport.js";
import { JobPlacement, jobPath, type PreparedJob } from "./job-placement.js";
import { problemToError } from "./problem.js";
import { signAll } from "./sign-all.js";
import {
  mismatch,
  onlyNames,
  requestNamed,
  reviewAcceptance,
  reviewOrder,
  reviewPermit,
} from "./typed-data-review.js";
import { VERIFIER_CONTRACT } from "./verifier-contracts.js";

export type { PreparedJob } from "./job-placement.js";

export type JobRequest = JobSpec & {
  readonly verification: Verification;
  /** The most this job may cost; the escrow cannot take more. */
  readonly priceCapWei: bigint;
  /** X25519 public key that a training output's key is sealed to. */
  readonly outputRecipientPublicKey?: string;
};

const ENDED: readonly Job["state"][] = ["settled", "refunded", "failed"];
const LONGEST_RECONNECT_WAIT_MS = 5_000;

/** Jobs: quote, order, watch, accept, and everything that can be asked about them. */
export class JobApi {
  readonly #connection: GatewayConnection;
  readonly #protocol: () => Promise<Protocol>;
  readonly #placement: JobPlacement;

  constructor(connection: GatewayConnection, protocol: () => Promise<Protocol>) {
    this.#connection = connection;
    this.#protocol = protocol;
    this.#placement = new JobPlacement(connection, protocol, this);
  }

  /** Price, time and trust of each way to verify this work. Buys nothing. */
  async quote(spec: JobSpec): Promise<readonly VerificationQuote[]> {
    return (await this.quotes(spec)).quotes;
  }

  /** As `quote`, with the ways that are not offered for this work, and why. */
  quotes(spec: JobSpec): Promise<JobQuotes> {
    return this.#connection.signed<JobQuotes>({
      method: "POST",
      path: "/v1/quotes",
      json: spec,
      repeatable: true,
    });
  }

  /**
   * Asks the platform to prepare the job and compares what it wants signed with the request: buyer, cap, model, work,
   * verifier, matcher, deadlines, job id, the input commitment (recomputed from input and salt), and the permit's
   * chain, token, spender and amount. Throws `typed-data-mismatch` where anything differs.
   */
  async prepare(request: JobRequest, idempotencyKey = newIdempotencyKey()): Promise<PreparedJob> {
    const protocol = await this.#protocol();
    const prepared = await this.#connection.signed<PreparedJobResponse>({
      method: "POST",
      path: "/v1/jobs",
      idempotencyKey,
      json: { ...request, priceCapWei: request.priceCapWei.toString() },
    });
    const buyer = this.#connection.signer.address;
    const now = this.#connection.now();
    onlyNames(prepared.toSign, ["order", "permit"]);
    reviewOrder(
      requestNamed(prepared.toSign, "order"),
      protocol,
      {
        jobId: prepared.job.jobId,
        buyer,
        jobKind: request.training === undefined ? JOB_KIND.inference : JOB_KIND.training,
        modelId: request.inference?.modelId ?? 0,
        maxPriceWei: request.priceCapWei,
        requestHash: requestHashOf(request),
        verifier: VERIFIER_CONTRACT[request.verification],
        inputCommitment:
          request.inference === undefined
            ? null
            : openedCommitment(request.inference.input, prepared.inputSalt),
      },
      now,
    );
    // Absent where the account already lets the escrow take as much.
    if (prepared.toSign.some((asked) => asked.name === "permit")) {
      const permit = { owner: buyer, spender: "JobEscrow", valueWei: request.priceCapWei };
      reviewPermit(requestNamed(prepared.toSign, "permit"), protocol, permit, now);
    }
    return prepared;
  }

  /**
   * Signs a prepared job and hands the signatures in; the relayer funds the escrow. Safe to repeat. A token takes an
   * account's permits one after the other: jobs that carry one are placed in turn, and a permit that another one
   * overtook is reviewed and signed anew: here, or by whoever watches the job when another client's permit came first on
   * chain.
   */
  place(prepared: PreparedJob): Promise<Job> {
    return this.#placement.place(prepared);
  }

  get(jobId: string): Promise<Job> {
    return this.#connection.signed<Job>({ method: "GET", path: jobPath(jobId) });
  }

  /** The account's own jobs, newest first. */
  list(cursor?: string): Promise<Page<Job>> {
    const query = cursor === undefined ? "" : `?cursor=${encodeURIComponent(cursor)}`;
    return this.#connection.signed<Page<Job>>({ method: "GET", path: `/v1/jobs${query}` });
  }

  /**
   * Yields the job at once and at every change until it ends. Reconnects (with `Last-Event-ID`) when the stream
   * breaks; gives up after `maxFailures` failed attempts in a row (default 20). A job that this client placed and whose
   * permit another client's overtook on chain is signed anew on the way, a bounded number of times.
   */
  async *watch(
    jobId: string,
    options: { signal?: AbortSignal; maxFailures?: number } = {},
  ): AsyncGenerator<Job, void> {
    const maxFailures = options.maxFailures ?? 20;
    let lastEventId: string | undefined;
    for (let failures = 0; ; ) {
      try {
        const body = await this.#connection.signedStream({
          method: "GET",
          path: `${jobPath(jobId)}/events`,
          signal: options.signal,
          headers: {
            accept: "text/event-stream",
            ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
          },
        });
        for await (const event of parseEventStream(body)) {
          if (event.event === "problem") throw streamProblem(event.data);
          if (event.event !== "job") continue;
          failures = 0;
          lastEventId = event.id;
          const job = JSON.parse(event.data) as Job;
          if (await this.#placement.signedAgain(job)) continue;
          yield job;
          if (ENDED.includes(job.state)) return;
        }
      } catch (error) {
        if (options.signal?.aborted === true) throw options.signal.reason;
        if (isCodedError(error) && error.errorClass === "user" && !endsAndMayGoOn(error)) throw error;
        if (failures >= maxFailures) throw error;
      }
      failures += 1;
      if (failures > maxFailures) throw streamLost(jobId);
      await pause(Math.min(LONGEST_RECONNECT_WAIT_MS, 100 * 2 ** Math.min(failures, 6)), options.signal);
    }
  }

  /** Watches until the job satisfies the condition (default: it ended) and returns it. */
  async wait(
    jobId: string,
    done: (job: Job) => boolean = (job) => ENDED.includes(job.state),
    options: { signal?: AbortSignal; onChange?: (job: Job) => void } = {},
  ): Promise<Job> {
    for await (const job of this.watch(
      jobId,
      options.signal === undefined ? {} : { signal: options.signal },
    )) {
      options.onChange?.(job);
      if (done(job)) return job;
      if (ENDED.includes(job.state)) return job;
    }
    throw streamLost(jobId);
  }

  /**
   * Accepts a delivered, unproven result as it stands. `outputHash` is keccak256 of what the buyer looked at: the
   * packed output (32 bytes) of an inference, or the UTF-8 bytes of a training output's CID; taken from the job
   * where it is not given.
   */
  async accept(jobId: string, outputHash?: string): Promise<Job> {
    const [job, protocol] = await Promise.all([this.get(jobId), this.#protocol()]);
    const path = `${jobPath(jobId)}/acceptance`;
    const { toSign } = await this.#connection.signed<{ toSign: SigningRequest[] }>({
      method: "POST",
      path,
      json: {},
      idempotencyKey: newIdempotencyKey(),
    });
    onlyNames(toSign, ["acceptance"]);
    reviewAcceptance(requestNamed(toSign, "acceptance"), protocol, {
      jobId,
      fencingToken: job.fencingToken,
      outputHash: outputHash ?? deliveredOutputHash(job),
    });
    const signatures = await signAll(this.#connection.signer, toSign);
    return this.#connection.signed<Job>({
      method: "PUT",
      path,
      json: { signatures },
      idempotencyKey: newIdempotencyKey(),
    });
  }

  /** Why this provider, why not that one; `provider` is explained in any case, however many there are. */
  placement(jobId: string, provider?: string): Promise<PlacementExplanation> {
    const query = provider === undefined ? "" : `?provider=${encodeURIComponent(provider)}`;
    return this.#connection.signed<PlacementExplanation>({
      method: "GET",
      path: `${jobPath(jobId)}/placement${query}`,
    });
  }

  /** Every movement of the job's money, from indexed chain events. */
  async payments(jobId: string): Promise<readonly JobPayment[]> {
    return (
      await this.#connection.signed<{ payments: JobPayment[] }>({
        method: "GET",
        path: `${jobPath(jobId)}/payments`,
      })
    ).payments;
  }

  /** Where the money is, who may act next and until when. */
  money(jobId: string): Promise<MoneyExplanation> {
    return this.#connection.signed<MoneyExplanation>({ method: "GET", path: `${jobPath(jobId)}/money` });
  }

  /** The proof of a job that was ordered with one. */
  proof(jobId: string): Promise<ProofJob> {
    return this.#connection.signed<ProofJob>({ method: "GET", path: `${jobPath(jobId)}/proof` });
  }

  async receipts(jobId: string): Promise<readonly Receipt[]> {
    return (
      await this.#connection.signed<{ receipts: Receipt[] }>({
        method: "GET",
        path: `${jobPath(jobId)}/receipts`,
      })
    ).receipts;
  }
}

/**
 * What an order's `requestHash` stands for: keccak256 of the canonical JSON of the work. The private input is not in
 * it: the input commitment stands for that.
 */
export function requestHashOf(request: JobRequest): string {
  return request.training === undefined
    ? requestHash({ kind: "inference", modelId: request.inference.modelId }, "")
    : requestHash({ kind: "training", ...request.training }, request.outputRecipientPublicKey ?? "");
}

function openedCommitment(input: string, salt: string | null): string {
  if (salt === null) throw mismatch("order", "inputSalt", "32 bytes that open the input commitment", null);
  return toHex32(inputCommitment(fromHex(input), fromHex(salt)));
}

/** keccak256 that the provider's delivery names, recomputed from the output. Throws `nothing-delivered`. */
export function deliveredOutputHash(job: Job): string {
  if (job.output !== null && job.kind === "inference") return keccak256(job.output);
  if (job.outputCid !== null) return keccak256(new TextEncoder().encode(job.outputCid));
  throw new CodedError({
    code: "nothing-delivered",
    kind: "conflict",
    message: "The job has no delivered output yet.",
  });
}

function streamProblem(data: string): CodedError {
  const problem = JSON.parse(data) as { status?: number };
  return problemToError(problem.status ?? 500, problem, undefined);
}

function streamLost(jobId: string): CodedError {
  return new CodedError({
    code: "job-stream-lost",
    kind: "unavailable",
    message: "The progress stream kept breaking. The job goes on; ask for its state again.",
    details: { jobId },
  });
}

/** A stream ends with its session; the next one signs in anew. */
function endsAndMayGoOn({ kind }: CodedError): boolean {
  return kind === "rate-limited" || kind === "unauthenticated";
}
