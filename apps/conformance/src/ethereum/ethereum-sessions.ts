import { EthereumJsSessions } from "@aios/consensus/adapters/ethereumjs/ethereumjs-sessions";
import { EvmSessions } from "@aios/consensus/adapters/evm/evm-sessions";
import { recoverPublicKey } from "@aios/consensus/adapters/secp256k1/recover-public-key";
import type { BlockSession, SessionOpener } from "@aios/consensus/domain/block-session";
import type { BlockContext, BlockStore, StateReference, StateStore } from "@aios/consensus/domain/ports";
import type { Rules } from "@aios/core-evm/rules";
import { createCommonFromGethGenesis } from "@ethereumjs/common";
import type { EthereumRules } from "./ethereum-rules.js";

const MAX_QUEUED = 256;

/** The product's engine from Berlin on; what Ethereum was before, which the product has not, by `@ethereumjs/vm`. */
export class EthereumSessions implements SessionOpener {
  private constructor(
    private readonly rules: EthereumRules,
    private readonly since: SessionOpener,
    /** Absent on a chain that has no such blocks. */
    private readonly before: SessionOpener | undefined,
  ) {}

  static async create(
    genesisJson: unknown,
    rules: EthereumRules,
    states: StateStore,
    blocks: Pick<BlockStore, "header">,
  ): Promise<EthereumSessions> {
    const before = rules.beginsWithBerlin
      ? undefined
      : await EthereumSessions.#earlier(genesisJson, rules, states, blocks);
    const rulesAt = (context: BlockContext): Rules => {
      const found = rules.executionRules(context);
      if (found === undefined) throw new Error(`block ${context.number} is before Berlin`);
      return found;
    };
    return new EthereumSessions(rules, new EvmSessions(states, blocks, rulesAt, recoverPublicKey), before);
  }

  static async #earlier(
    genesisJson: unknown,
    rules: EthereumRules,
    states: StateStore,
    blocks: Pick<BlockStore, "header">,
  ): Promise<SessionOpener> {
    const common = createCommonFromGethGenesis(
      genesisJson as Parameters<typeof createCommonFromGethGenesis>[0],
      { chain: "vectors" },
    );
    return await EthereumJsSessions.create(states, blocks, {
      chainId: rules.chainId,
      common,
      maxQueued: MAX_QUEUED,
      prepare: ({ number, timestamp }) => common.setHardforkBy({ blockNumber: number, timestamp }),
    });
  }

  async open<T>(
    reference: StateReference,
    context: BlockContext,
    use: (session: BlockSession) => Promise<T>,
  ): Promise<T> {
    const opener = this.rules.executionRules(context) === undefined ? this.before : this.since;
    if (opener === undefined) throw new Error(`block ${context.number} is before Berlin`);
    return await opener.open(reference, context, use);
  }
}
