import { addressOf } from "@aios/core-rlp/hex";
import type { EVM, EVMResult, Message } from "@ethereumjs/evm";
import type { CallFrame } from "../../domain/ports.js";
import type { SignedTransaction } from "../../domain/transaction.js";

interface OpenFrame {
  readonly message: Message;
  readonly type: string;
  readonly input: Uint8Array;
  readonly calls: CallFrame[];
}

function typeOf(message: Message): string {
  if (message.to === undefined) return message.salt === undefined ? "CREATE" : "CREATE2";
  if (message.delegatecall) return "DELEGATECALL";
  return message.isStatic ? "STATICCALL" : "CALL";
}

/** Records the tree of calls of one transaction from the interpreter's events, until disposed. */
export class CallRecorder implements Disposable {
  readonly #open: OpenFrame[] = [];
  readonly #events: NonNullable<EVM["events"]>;
  #root: CallFrame | undefined;

  constructor(evm: EVM) {
    this.#events = evm.events;
    this.#events.on("beforeMessage", this.#begin);
    this.#events.on("afterMessage", this.#end);
  }

  [Symbol.dispose](): void {
    this.#events.off("beforeMessage", this.#begin);
    this.#events.off("afterMessage", this.#end);
  }

  /** The finished tree; its top carries the gas of the transaction, intrinsic gas included, as Geth shows it. */
  root(transaction: SignedTransaction, gasUsed: bigint): CallFrame {
    const root = this.#root;
    const fallback: CallFrame = {
      type: transaction.to === null ? "CREATE" : "CALL",
      from: transaction.sender,
      to: transaction.to,
      value: transaction.value,
      gas: transaction.gasLimit,
      gasUsed,
      input: transaction.data,
      output: new Uint8Array(0),
      error: undefined,
      calls: [],
    };
    return root === undefined ? fallback : { ...root, gas: transaction.gasLimit, gasUsed };
  }

  readonly #begin = (message: Message): void => {
    // The interpreter turns a create message into one to the new address while it runs.
    const input =
      message.to === undefined && message.code instanceof Uint8Array ? message.code : message.data;
    this.#open.push({ message, type: typeOf(message), input: input.slice(), calls: [] });
  };

  readonly #end = (result: EVMResult): void => {
    const frame = this.#open.pop();
    if (frame === undefined) return;
    const { message, type, input, calls } = frame;
    const target = message.to ?? result.createdAddress;
    const finished: CallFrame = {
      type,
      from: addressOf(message.caller.bytes),
      to:
        target === undefined ? null : addressOf((message.delegatecall ? message.codeAddress : target).bytes),
      value: message.value,
      gas: message.gasLimit,
      gasUsed: result.execResult.executionGasUsed,
      input,
      output: result.execResult.returnValue,
      error: result.execResult.exceptionError?.error,
      calls,
    };
    const parent = this.#open.at(-1);
    if (parent === undefined) this.#root = finished;
    else parent.calls.push(finished);
  };
}
