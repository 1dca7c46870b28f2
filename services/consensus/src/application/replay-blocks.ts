import type { Block, BlockHeader } from "../domain/block.js";
import type { BlockRules, BlockSession, SessionOpener } from "../domain/block-session.js";
import type { BlockContext, CallRequest, StateReference } from "../domain/ports.js";
import { MAX_TRACE_BYTES, makeTracer } from "../domain/tracing/make-tracer.js";
import type { TraceJson, TraceOptions } from "../domain/tracing/tracer.js";
import type { SignedTransaction } from "../domain/transaction.js";

/** Runs stored blocks and calls again, followed by a tracer. */
export class ReplayBlocks {
  constructor(
    private readonly rules: BlockRules,
    private readonly sessions: SessionOpener,
  ) {}

  /** All transactions, or the one at `index`. Throws `trace-too-large`. */
  async traceBlock(
    parent: BlockHeader,
    block: Block,
    index: number | undefined,
    options: TraceOptions,
  ): Promise<readonly TraceJson[]> {
    const context = this.rules.contextAfter(parent, block.header);
    return await this.sessions.open({ root: parent.stateRoot, overlays: [] }, context, async (session) => {
      await session.begin(parent.hash);
      const out: TraceJson[] = [];
      const last = index ?? block.transactions.length - 1;
      const budget = Math.floor(
        MAX_TRACE_BYTES / Math.max(index === undefined ? block.transactions.length : 1, 1),
      );
      for (const [at, transaction] of block.transactions.slice(0, last + 1).entries()) {
        if (index === undefined || at === index)
          out.push(await traced(session, transaction, options, budget));
        else await session.runSigned(transaction);
      }
      return out;
    });
  }

  /** One call on top of a state. */
  async traceCall(
    state: StateReference,
    context: BlockContext,
    request: CallRequest,
    options: TraceOptions,
  ): Promise<TraceJson> {
    return await this.sessions.open(state, context, async (session) => {
      const tracer = makeTracer(options);
      const result = await session.runMessage(request, { chargesFees: false, tracer });
      return tracer.end(result, session.state);
    });
  }
}

async function traced(
  session: BlockSession,
  transaction: SignedTransaction,
  options: TraceOptions,
  maxBytes: number,
): Promise<TraceJson> {
  const tracer = makeTracer(options, maxBytes);
  const result = await session.runSigned(transaction, tracer);
  return tracer.end(result, session.state);
}
