import { fromHex } from "@aios/core-rlp/hex";
import { isCodedError } from "@aios/kernel/coded-error";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { Address as EvmAddress } from "@ethereumjs/util";
import { runTx } from "@ethereumjs/vm";
import { requestsHash } from "../../domain/block-codec.js";
import type {
  BlockSession,
  MessageOptions,
  MessageResult,
  PrecompileOverrides,
} from "../../domain/block-session.js";
import { refusedByEngine } from "../../domain/errors.js";
import type { BlockContext, CallRequest } from "../../domain/ports.js";
import type { StateChanges, StateView } from "../../domain/state.js";
import type { Tracer } from "../../domain/tracing/tracer.js";
import type { SignedTransaction } from "../../domain/transaction.js";
import type { EngineLane } from "./engine-lane.js";
import { messageResult, runMessage } from "./message-call.js";
import { beginBlock, requestsOf } from "./system-contracts.js";
import { TraceBridge } from "./trace-bridge.js";
import { authoritiesOf, typedTransaction } from "./typed-transaction.js";

/** Single transactions of a block in progress, on a lane that nobody else uses meanwhile. */
export class EthereumJsSession implements BlockSession, Disposable {
  readonly state: StateView;
  /** Of the block so far. */
  #logs = 0;
  #restorePrecompiles: (() => void) | undefined;

  constructor(
    private readonly lane: EngineLane,
    private readonly chainId: number,
    private readonly context: BlockContext,
  ) {
    this.state = lane.state.view;
  }

  [Symbol.dispose](): void {
    this.#restorePrecompiles?.();
  }

  isPrecompile(address: Address): boolean {
    return this.lane.evm.getPrecompile(new EvmAddress(fromHex(address))) !== undefined;
  }

  overridePrecompiles(overrides: PrecompileOverrides): void {
    const { evm } = this.lane;
    const original = evm.getPrecompile.bind(evm);
    this.#restorePrecompiles = () => {
      evm.getPrecompile = original;
    };
    const removed = new Set<Address>(overrides.removed);
    // Which addresses are warm from the start (EIP-2929) is not overridden.
    evm.getPrecompile = (address) => {
      const asked = address.toString() as Address;
      const from = overrides.moved.get(asked);
      if (from !== undefined) return original(new EvmAddress(fromHex(from)));
      return removed.has(asked) ? undefined : original(address);
    };
  }

  async begin(parentHash: Bytes32): Promise<void> {
    await beginBlock(this.lane, this.context, parentHash);
  }

  async runSigned(transaction: SignedTransaction, tracer?: Tracer): Promise<MessageResult> {
    const { sender, gasLimit, data, to, value } = transaction;
    const { feeRecipient } = this.context;
    const tx = typedTransaction(transaction, this.lane.vm.common);
    const authorities = authoritiesOf(tx);
    tracer?.begin?.(
      {
        from: sender,
        to,
        input: data,
        value,
        gas: gasLimit,
        feeRecipient,
        authorities,
        logsBefore: this.#logs,
        destroysOnlyNew: this.lane.vm.common.isActivatedEIP(6780),
      },
      this.lane.state.view,
    );
    using _bridge = tracer === undefined ? undefined : new TraceBridge(this.lane, tracer);
    const block = this.lane.block(this.context);
    try {
      const result = await runTx(this.lane.vm, { tx, block, skipHardForkValidation: true });
      this.#logs += result.receipt.logs.length;
      return messageResult(result, tx.getIntrinsicGas());
    } catch (cause) {
      if (isCodedError(cause) || !(cause instanceof Error)) throw cause;
      throw refusedByEngine(cause.message.split(" (")[0] as string, cause);
    }
  }

  async runMessage(request: CallRequest, options: MessageOptions): Promise<MessageResult> {
    return await runMessage(this.lane, this.chainId, this.context, request, options);
  }

  credit(address: Address, amount: bigint): void {
    this.lane.state.credit(address, amount);
  }

  async finish(): Promise<Bytes32> {
    return requestsHash(await requestsOf(this.lane, this.lane.block(this.context)));
  }

  changes(): StateChanges {
    return this.lane.state.changes();
  }
}
