import type { Clock } from "@aios/kernel/clock";
import type { CodedError } from "@aios/kernel/coded-error";
import { durationMs } from "@aios/kernel/units";
import { codedErrorOf } from "@aios/service-kit/database-outage";
import { SIGNERS, type Signer } from "../domain/chain-transaction.js";
import type { ChainNode, ContractBook, IndexStore } from "../domain/ports.js";
import type { ChainFollower } from "./follow-chain.js";
import type { SignerPipeline } from "./signer-pipeline.js";

export interface RuntimeSettings {
  readonly retryMs: number;
  readonly rescueEveryMs: number;
}

export type PipelineFactory = (signer: Signer, chainId: bigint) => SignerPipeline;

/**
 * Brings the chain half up, in order: the node answers and is the chain of this database, the contracts exist, the
 * index has caught up, what was sent before is broadcast again; then follows heads until stopped.
 */
export class ChainRuntime {
  readonly #abort = new AbortController();
  readonly #pipelines = new Map<Signer, SignerPipeline>();
  #problem: CodedError | undefined;
  #running = false;
  #chainId: bigint | undefined;
  #loop: Promise<void> | undefined;

  constructor(
    private readonly node: ChainNode,
    private readonly contracts: ContractBook,
    private readonly index: IndexStore,
    private readonly follower: ChainFollower,
    private readonly makePipeline: PipelineFactory,
    private readonly clock: Clock,
    private readonly settings: RuntimeSettings,
    private readonly onProblem: (message: string, error: unknown) => void,
  ) {}

  /** Throws what keeps this service from working, in words for an operator. */
  requireRunning(): void {
    if (!this.#running) throw this.#problem ?? new Error("The chain's node was not asked yet.");
  }

  get chainId(): bigint {
    if (this.#chainId === undefined) this.requireRunning();
    return this.#chainId ?? 0n;
  }

  /** Resolves after the first try to come up, whether it succeeded or goes on in the background. */
  async start(): Promise<void> {
    const firstTry = this.#tryOnce();
    this.#loop ??= firstTry.then(() => this.#run());
    await firstTry;
  }

  /** A request was queued for this signer. */
  wake(signer: Signer): void {
    this.#pipelines.get(signer)?.wake();
  }

  /** Blocks came or went: what waited may go now. */
  wakeAll(): void {
    for (const pipeline of this.#pipelines.values()) pipeline.wake();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
    await this.follower.stop();
    await Promise.all([...this.#pipelines.values()].map((pipeline) => pipeline.stop()));
  }

  async #run(): Promise<void> {
    while (!this.#abort.signal.aborted && !this.#running) {
      await this.#wait(this.settings.retryMs);
      if (!this.#abort.signal.aborted) await this.#tryOnce();
    }
    while (!this.#abort.signal.aborted) {
      await this.#wait(this.settings.rescueEveryMs);
      if (!this.#abort.signal.aborted) await this.#rescue(false);
    }
  }

  async #tryOnce(): Promise<void> {
    try {
      await this.#bringUp();
      this.#running = true;
      this.#problem = undefined;
    } catch (error) {
      this.#report(error);
    }
  }

  async #bringUp(): Promise<void> {
    const identity = await this.node.identity();
    await this.index.bind(identity);
    this.#chainId = identity.chainId;
    await this.contracts.load();
    for (const signer of SIGNERS) {
      if (this.#pipelines.has(signer)) continue;
      const pipeline = this.makePipeline(signer, identity.chainId);
      await pipeline.open();
      this.#pipelines.set(signer, pipeline);
    }
    await this.follower.catchUp();
    for (const pipeline of this.#pipelines.values()) await pipeline.rescue(true);
    this.follower.start();
    this.wakeAll();
  }

  async #rescue(force: boolean): Promise<void> {
    for (const pipeline of this.#pipelines.values()) {
      try {
        await pipeline.rescue(force);
        pipeline.wake();
      } catch (error) {
        this.onProblem(`${pipeline.signer}: sent transactions could not be looked after`, error);
      }
    }
  }

  #report(error: unknown): void {
    const problem = codedErrorOf(error);
    if (problem.code !== this.#problem?.code) this.onProblem(problem.message, error);
    this.#problem = problem;
  }

  async #wait(ms: number): Promise<void> {
    await this.clock.wait(durationMs(ms), this.#abort.signal).catch(() => undefined);
  }
}
