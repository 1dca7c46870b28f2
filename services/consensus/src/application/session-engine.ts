import type { Block, BlockHeader } from "../domain/block.js";
import type { BlockRules, MessageResult, SessionOpener } from "../domain/block-session.js";
import type {
  BlockContext,
  BlockInput,
  CallOutcome,
  CallRequest,
  ExecutedBlock,
  ExecutionEngine,
  StateReference,
  StateStore,
} from "../domain/ports.js";
import type { SimulatedBlock, SimulationRequest } from "../domain/simulation.js";
import type { TraceJson, TraceOptions } from "../domain/tracing/tracer.js";
import type { AccessListEntry } from "../domain/transaction.js";
import { ReplayBlocks } from "./replay-blocks.js";
import { SimulateBlocks } from "./simulate-blocks.js";

const MAX_LISTING_RUNS = 16;

/** Everything that an engine does, out of the sessions that it opens. */
export class SessionEngine implements ExecutionEngine {
  readonly #replay: ReplayBlocks;
  readonly #simulation: SimulateBlocks;

  constructor(
    private readonly blocks: Pick<ExecutionEngine, "executeBlock" | "executeGenesis">,
    rules: BlockRules,
    private readonly sessions: SessionOpener,
    states: StateStore,
  ) {
    this.#replay = new ReplayBlocks(rules, sessions);
    this.#simulation = new SimulateBlocks(rules, sessions, states);
  }

  executeBlock(input: BlockInput): Promise<ExecutedBlock> {
    return this.blocks.executeBlock(input);
  }

  executeGenesis(): Promise<ExecutedBlock> {
    return this.blocks.executeGenesis();
  }

  async call(state: StateReference, context: BlockContext, request: CallRequest): Promise<CallOutcome> {
    return await this.sessions.open(state, context, async (session) =>
      outcomeOf(await session.runMessage(request, { chargesFees: false })),
    );
  }

  async accessList(
    state: StateReference,
    context: BlockContext,
    request: CallRequest,
  ): Promise<{ readonly accessList: readonly AccessListEntry[]; readonly outcome: CallOutcome }> {
    let listed = request.accessList;
    for (let run = 0; ; run++) {
      const result = await this.sessions.open(state, context, (session) =>
        session.runMessage(
          { ...request, accessList: listed },
          { chargesFees: false, reportsAccessList: true },
        ),
      );
      // A list changes gas, and gas may change the way: as Geth, until the run with the list finds no more. What the caller
      // lists may name what is warm anyway, or a thing twice: only lists that runs found compare by their sizes.
      const isFound = run > 0 || listed.length === 0;
      const isStable = isFound && entryCount(result.accessList) === entryCount(listed);
      if (isStable || run === MAX_LISTING_RUNS)
        return { accessList: result.accessList, outcome: outcomeOf(result) };
      listed = result.accessList;
    }
  }

  traceBlock(
    parent: BlockHeader,
    block: Block,
    index: number | undefined,
    options: TraceOptions,
  ): Promise<readonly TraceJson[]> {
    return this.#replay.traceBlock(parent, block, index, options);
  }

  traceCall(
    state: StateReference,
    context: BlockContext,
    request: CallRequest,
    options: TraceOptions,
  ): Promise<TraceJson> {
    return this.#replay.traceCall(state, context, request, options);
  }

  simulate(parent: BlockHeader, request: SimulationRequest): Promise<readonly SimulatedBlock[]> {
    return this.#simulation.run(parent, request);
  }
}

/** Each run's list holds the one before it, so that their sizes tell whether they are the same. */
function entryCount(list: readonly AccessListEntry[]): number {
  return list.reduce((sum, { storageKeys }) => sum + 1 + storageKeys.length, 0);
}

function outcomeOf({ output, gasUsed, gasRefund, error }: MessageResult): CallOutcome {
  if (error === undefined) return { kind: "success", output, gasUsed, gasRefund };
  if (error === "execution reverted") return { kind: "revert", output, gasUsed };
  return { kind: "halt", reason: error, gasUsed };
}
