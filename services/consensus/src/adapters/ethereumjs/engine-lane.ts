import { fromHex, toHex } from "@aios/core-rlp/hex";
import { createBlock, type Block as EvmBlock } from "@ethereumjs/block";
import type { Common } from "@ethereumjs/common";
import { createEVM, type EVM } from "@ethereumjs/evm";
import { createVM, type VM } from "@ethereumjs/vm";
import type { BlockContext, BlockStore } from "../../domain/ports.js";
import type { StateView } from "../../domain/state.js";
import { EngineState } from "./engine-state.js";

const NO_STATE: StateView = {
  account: () => undefined,
  storage: () => new Uint8Array(0),
  code: () => new Uint8Array(0),
};

/** One interpreter with its state, used by one execution at a time. */
export class EngineLane {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  private constructor(
    readonly vm: VM,
    readonly evm: EVM,
    readonly state: EngineState,
    private readonly common: Common,
  ) {}

  static async create(common: Common, blocks: Pick<BlockStore, "header">): Promise<EngineLane> {
    const state = new EngineState(NO_STATE);
    const blockchain = {
      async getBlock(height: number) {
        const header = blocks.header(height);
        if (header === undefined) throw new Error(`Block ${height} is not stored`);
        return { hash: () => fromHex(header.hash) };
      },
      async putBlock() {},
      shallowCopy() {
        return blockchain;
      },
    };
    const evm = await createEVM({ common, stateManager: state, blockchain });
    const vm = await createVM({ common, stateManager: state, blockchain, evm });
    return new EngineLane(vm, evm, state, common);
  }

  /** Executions in progress or waiting. */
  get depth(): number {
    return this.#waiting;
  }

  /** Runs when all earlier executions are done, on a fresh state over `base`. */
  run<T>(base: StateView, execute: (lane: EngineLane) => Promise<T>): Promise<T> {
    this.#waiting++;
    const result = this.#tail.then(async () => {
      this.state.reset(base);
      this.evm.journal.cleanJournal();
      try {
        return await execute(this);
      } finally {
        this.state.reset(NO_STATE);
        this.#waiting--;
      }
    });
    this.#tail = result.catch(() => undefined);
    return result;
  }

  block(context: BlockContext): EvmBlock {
    const block = createBlock(
      {
        header: {
          number: context.number,
          timestamp: context.timestamp,
          gasLimit: context.gasLimit,
          ...(this.common.isActivatedEIP(1559) ? { baseFeePerGas: context.baseFeePerGas } : {}),
          ...(context.difficulty === undefined ? {} : { difficulty: context.difficulty }),
          coinbase: toHex(fromHex(context.feeRecipient)) as `0x${string}`,
          mixHash: fromHex(context.prevRandao),
        },
      },
      { common: this.common, freeze: false, skipConsensusFormatValidation: true },
    );
    // The library derives it from a field that calls and simulations set apart from it.
    block.header.getBlobGasPrice = () => context.blobBaseFeePerGas ?? 1n;
    return block;
  }
}
