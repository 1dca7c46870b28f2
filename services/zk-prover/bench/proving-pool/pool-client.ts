import type { ProofEnded } from "@aios/proto/aios/events/v1/events";
import type { ProofJob } from "@aios/proto/aios/prover/v1/prover";
import { topics } from "@aios/proto/topics";
import { recordEvents } from "../../test/support/event-recorder.js";
import { endedKey, type ProverClient, ProverPlatform } from "../../test/support/prover-platform.js";

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly goal?: number;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number;
}

type Ready = ReturnType<ProverPlatform["addModel"]> & { readonly key: Awaited<ReturnType<typeof endedKey>> };

type Request = ReturnType<ProverPlatform["jobRequest"]>;

/** Compute's side of the pool: asks for proofs of one model and hears when they ended. */
export class PoolClient {
  readonly #waiting = new Map<string, (event: ProofEnded) => void>();
  #asked = 0;
  #ended = 0;

  private constructor(
    private readonly prover: ProverClient,
    private readonly platform: ProverPlatform,
    readonly ready: Ready,
    private readonly events: { close(): Promise<void> },
  ) {}

  static async open(platform: ProverPlatform): Promise<PoolClient> {
    const model = platform.addModel(1);
    const marketplace = await platform.as("marketplace");
    await marketplace.setUpKey({ modelCid: model.modelCid, modelCommitment: model.modelCommitment });
    const key = await endedKey(marketplace, model.modelCommitment);
    let opened: PoolClient | undefined;
    const events = await recordEvents(platform.eventsUrl, topics.proverProofEnded, (event) =>
      opened?.hear(event),
    );
    opened = new PoolClient(await platform.as("compute"), platform, { ...model, key }, events);
    return opened;
  }

  /** How many ended, those that ended again included. */
  get ended(): number {
    return this.#ended;
  }

  hear(event: ProofEnded): void {
    this.#ended++;
    this.#waiting.get(event.jobId)?.(event);
    this.#waiting.delete(event.jobId);
  }

  /** What a buyer does: computes the output, commits to the input and encrypts it. */
  prepare(): Request {
    return this.platform.jobRequest(++this.#asked, this.ready);
  }

  /** Asks for a job's proof. Answers once the request is written down; `ended` resolves with what became of it. */
  async request(request: Request): Promise<{ readonly jobId: string; readonly ended: Promise<ProofEnded> }> {
    const { jobId } = request.statement;
    const ended = new Promise<ProofEnded>((resolve) => this.#waiting.set(jobId, resolve));
    await this.prover.requestProof(request);
    return { jobId, ended };
  }

  async proof(jobId: string): Promise<ProofJob> {
    const { proof } = await this.prover.getProof({ jobId });
    if (proof === undefined) throw new Error(`there is no proof of ${jobId}`);
    return proof;
  }

  close(): Promise<void> {
    return this.events.close();
  }
}
