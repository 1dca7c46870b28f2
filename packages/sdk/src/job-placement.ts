import { isCodedError } from "@aios/kernel/coded-error";
import type { Job, Protocol, SigningRequest, TypedData } from "./api-types.js";
import { type GatewayConnection, newIdempotencyKey } from "./gateway-connection.js";
import { signAll } from "./sign-all.js";
import { requestNamed, reviewPermit } from "./typed-data-review.js";

/** A job whose typed data was compared with the request; nothing is signed or paid yet. */
export interface PreparedJob {
  readonly job: Job;
  readonly toSign: readonly SigningRequest[];
  /** Opens the input commitment; keep it to be able to prove what was asked. Null for training. */
  readonly inputSalt: string | null;
}

/** A job that this client placed and that the chain has not funded yet, as far as this client has seen. */
interface PlacedJob {
  readonly prepared: PreparedJob;
  /** What it takes to place it now: the order, and the permit that was proposed last. */
  toSign: readonly SigningRequest[];
  /** Permits signed for it beside the one that it was prepared with. */
  renewals: number;
  /** Under way where several watch the same job. */
  again: Promise<void> | undefined;
}

/** What placing needs to know of jobs. */
interface JobReader {
  get(jobId: string): Promise<Job>;
  wait(jobId: string, done: (job: Job) => boolean, options: { signal: AbortSignal }): Promise<Job>;
}

/** Another client of the same account may overtake a permit; more often than this it is left to the caller. */
const MOST_RENEWALS = 5;
const LONGEST_PERMIT_WAIT_MS = 30_000;
/** Jobs placed and never watched are forgotten beyond these: they are left to the caller, should their permit be stale. */
const MOST_UNFUNDED = 1_000;

/**
 * Signs prepared jobs and hands the signatures in. A token takes an account's permits one after the other, whichever
 * client they come from: jobs that carry one are placed in turn, and one that was overtaken is reviewed and signed anew.
 */
export class JobPlacement {
  readonly #connection: GatewayConnection;
  readonly #protocol: () => Promise<Protocol>;
  readonly #jobs: JobReader;
  #lastPermit: Promise<unknown> = Promise.resolve();
  /** Placed with a permit that the chain may not have counted yet. */
  #unusedPermitOf: string | undefined;
  readonly #unfunded = new Map<string, PlacedJob>();

  constructor(connection: GatewayConnection, protocol: () => Promise<Protocol>, jobs: JobReader) {
    this.#connection = connection;
    this.#protocol = protocol;
    this.#jobs = jobs;
  }

  place(prepared: PreparedJob): Promise<Job> {
    if (!prepared.toSign.some(isPermit)) return this.#placeOnce(prepared);
    const placed = this.#lastPermit.then(() => this.#placeInTurn(prepared));
    this.#lastPermit = placed.catch(() => undefined);
    return placed;
  }

  async #placeInTurn(prepared: PreparedJob): Promise<Job> {
    await this.#earlierPermitUsed();
    const placed = await this.#placeOnce(prepared);
    if (placed.state === "funding") this.#unusedPermitOf = placed.jobId;
    return placed;
  }

  async #placeOnce(prepared: PreparedJob): Promise<Job> {
    const own: PlacedJob = { prepared, toSign: prepared.toSign, renewals: 0, again: undefined };
    const placed = await this.#signAndHandIn(own);
    if (placed.state !== "funding") return placed;
    const [oldest] = this.#unfunded.keys();
    if (oldest !== undefined && this.#unfunded.size >= MOST_UNFUNDED) this.#unfunded.delete(oldest);
    this.#unfunded.set(placed.jobId, own);
    return placed;
  }

  async #signAndHandIn(own: PlacedJob): Promise<Job> {
    for (;;) {
      try {
        return await this.#handIn(own.prepared.job.jobId, own.toSign);
      } catch (error) {
        const stale = isCodedError(error) && error.code === "permit-stale";
        if (!stale || own.renewals >= MOST_RENEWALS) throw error;
        own.renewals += 1;
        own.toSign = await this.#renewed(own.prepared.toSign, error.details);
      }
    }
  }

  /** The order as it was reviewed, with the permit that the refusal proposes, reviewed against the one asked first. */
  async #renewed(
    toSign: readonly SigningRequest[],
    details: Readonly<Record<string, unknown>>,
  ): Promise<readonly SigningRequest[]> {
    const order = toSign.filter((request) => !isPermit(request));
    const proposed = details["permit"] as TypedData | null | undefined;
    if (proposed === null || proposed === undefined) return order;
    const permit: SigningRequest = { name: "permit", typedData: proposed };
    const valueWei = BigInt(String(requestNamed(toSign, "order").typedData.message["maxPriceWei"]));
    const expected = { owner: this.#connection.signer.address, spender: "JobEscrow", valueWei };
    reviewPermit(permit, await this.#protocol(), expected, this.#connection.now());
    return [...order, permit];
  }

  /** Waits, within bounds, until the chain has counted the permit of the job placed before. */
  async #earlierPermitUsed(): Promise<void> {
    const jobId = this.#unusedPermitOf;
    if (jobId === undefined) return;
    const signal = AbortSignal.timeout(LONGEST_PERMIT_WAIT_MS);
    await this.#jobs.wait(jobId, ({ state }) => state !== "funding", { signal }).catch(() => undefined);
    this.#unusedPermitOf = undefined;
  }

  /**
   * To be told every state of a job that is read. True where the job waited for its buyer to sign again and that has
   * been done: another state follows.
   */
  async signedAgain({ jobId, state }: Job): Promise<boolean> {
    const own = this.#unfunded.get(jobId);
    if (own !== undefined && state === "prepared") {
      own.again ??= this.#placeAgain(own).finally(() => {
        own.again = undefined;
      });
      await own.again;
      return true;
    }
    if (state !== "funding") this.#unfunded.delete(jobId);
    if (state !== "funding" && jobId === this.#unusedPermitOf) this.#unusedPermitOf = undefined;
    return false;
  }

  async #placeAgain(own: PlacedJob): Promise<void> {
    const { state } = await this.#jobs.get(own.prepared.job.jobId);
    if (state === "prepared") await this.#signAndHandIn(own);
  }

  async #handIn(jobId: string, toSign: readonly SigningRequest[]): Promise<Job> {
    const signatures = await signAll(this.#connection.signer, toSign);
    return this.#connection.signed<Job>({
      method: "PUT",
      path: `${jobPath(jobId)}/signatures`,
      json: { signatures },
      idempotencyKey: newIdempotencyKey(),
    });
  }
}

function isPermit({ name }: SigningRequest): boolean {
  return name === "permit";
}

/** Where the gateway answers about the job. */
export function jobPath(jobId: string): string {
  return `/v1/jobs/${encodeURIComponent(jobId)}`;
}
