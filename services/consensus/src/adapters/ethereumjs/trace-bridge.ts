import { addressOf, bigintToBytes } from "@aios/core-rlp/hex";
import type { EVM, EVMResult, InterpreterStep, Message } from "@ethereumjs/evm";
import { Address as EvmAddress, generateAddress, generateAddress2 } from "@ethereumjs/util";
import type { Tracer } from "../../domain/tracing/tracer.js";
import type { EngineLane } from "./engine-lane.js";
import { faultName } from "./fault-name.js";

function typeOf(message: Message): string {
  if (message.to === undefined) return message.salt === undefined ? "CREATE" : "CREATE2";
  if (message.delegatecall) return "DELEGATECALL";
  return message.isStatic ? "STATICCALL" : "CALL";
}

/** Hands the interpreter's events to a tracer, until disposed. */
export class TraceBridge implements Disposable {
  readonly #events: NonNullable<EVM["events"]>;
  readonly #types: string[] = [];

  constructor(
    private readonly lane: EngineLane,
    private readonly tracer: Tracer,
  ) {
    this.#events = lane.evm.events;
    this.#events.on("beforeMessage", this.#enter);
    this.#events.on("afterMessage", this.#exit);
    // Without a listener the interpreter skips what steps cost.
    if (tracer.step !== undefined) this.#events.on("step", this.#step);
  }

  [Symbol.dispose](): void {
    this.#events.off("beforeMessage", this.#enter);
    this.#events.off("afterMessage", this.#exit);
    this.#events.off("step", this.#step);
  }

  readonly #enter = (message: Message): void => {
    const type = typeOf(message);
    this.#types.push(type);
    const target = message.delegatecall ? message.codeAddress : (message.to ?? this.#created(message));
    this.tracer.enter?.({
      type,
      // The library shows who called the caller; Geth shows whose code asked.
      from: addressOf((message.delegatecall ? message.to : message.caller)?.bytes ?? message.caller.bytes),
      to: target === undefined ? null : addressOf(target.bytes),
      // The interpreter turns a create message into one to the new address while it runs.
      input: message.to === undefined && message.code instanceof Uint8Array ? message.code : message.data,
      value: type === "STATICCALL" ? undefined : message.value,
      gas: message.gasLimit,
      isPrecompile: target !== undefined && this.lane.evm.getPrecompile(target) !== undefined,
    });
  };

  /** Where a creation that begins will put its contract; the creator's nonce is raised already. */
  #created({ caller, salt, data }: Message): EvmAddress {
    if (salt !== undefined) return new EvmAddress(generateAddress2(caller.bytes, salt, data));
    const nonce = this.lane.state.accountState(addressOf(caller.bytes))?.nonce ?? 1n;
    return new EvmAddress(generateAddress(caller.bytes, bigintToBytes(nonce - 1n)));
  }

  readonly #exit = (result: EVMResult): void => {
    const isCreate = this.#types.pop()?.startsWith("CREATE") ?? false;
    this.tracer.exit?.({
      output: result.execResult.returnValue,
      gasUsed: result.execResult.executionGasUsed,
      error: faultName(result.execResult.exceptionError),
      created:
        isCreate && result.createdAddress !== undefined ? addressOf(result.createdAddress.bytes) : undefined,
    });
  };

  readonly #step = (step: InterpreterStep): void => {
    this.tracer.step?.(
      {
        pc: step.pc,
        op: step.opcode.name,
        code: step.opcode.code,
        gas: step.gasLeft,
        depth: step.depth + 1,
        refund: step.gasRefund,
        address: addressOf(step.address.bytes),
        stack: step.stack,
        memory: step.memory,
      },
      this.lane.state.view,
    );
    this.tracer.stepCost?.(step.opcode.dynamicFee ?? BigInt(step.opcode.fee));
  };
}
