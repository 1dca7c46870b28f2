import type { Common } from "@ethereumjs/common";
import type { BlockSession, SessionOpener } from "../../domain/block-session.js";
import { engineBusy } from "../../domain/errors.js";
import type { BlockContext, BlockStore, StateReference, StateStore } from "../../domain/ports.js";
import { withReference } from "../../domain/with-state.js";
import { EngineLane } from "./engine-lane.js";
import { EthereumJsSession } from "./ethereumjs-session.js";

export interface EthereumJsOptions {
  readonly chainId: number;
  readonly common: Common;
  /** Sessions that may run or wait at once; one runs after the other. */
  readonly maxQueued: number;
  /** Before each session: a chain with more than one fork chooses its rules here. */
  readonly prepare?: (context: BlockContext) => void;
}

/** Execution by `@ethereumjs/vm`: complete and slow (about 1 ms a transfer). */
export class EthereumJsSessions implements SessionOpener {
  private constructor(
    private readonly states: Pick<StateStore, "snapshot">,
    private readonly lane: EngineLane,
    private readonly options: EthereumJsOptions,
  ) {}

  static async create(
    states: Pick<StateStore, "snapshot">,
    blocks: Pick<BlockStore, "header">,
    options: EthereumJsOptions,
  ): Promise<EthereumJsSessions> {
    return new EthereumJsSessions(states, await EngineLane.create(options.common, blocks), options);
  }

  async open<T>(
    reference: StateReference,
    context: BlockContext,
    use: (session: BlockSession) => Promise<T>,
  ): Promise<T> {
    if (this.lane.depth >= this.options.maxQueued) throw engineBusy();
    return await withReference(this.states, reference, (view) =>
      this.lane.run(view, async (lane) => {
        this.options.prepare?.(context);
        using session = new EthereumJsSession(lane, this.options.chainId, context);
        return await use(session);
      }),
    );
  }
}
