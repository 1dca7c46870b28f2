import { opcodeName } from "@aios/core-evm/opcode-table";
import type { Tracer as EngineTracer, FrameView, RefusedCall } from "@aios/core-evm/tracer";
import { toBigint } from "@aios/core-evm/word";
import { addressOf } from "@aios/core-rlp/hex";
import type { Address } from "@aios/kernel/identifiers";
import type { StateView } from "../../domain/state.js";
import type { Tracer, TraceStep } from "../../domain/tracing/tracer.js";
import { failureName, faultName, isUnaffordable, refusalName } from "./halt-name.js";

const LIMBS = 8;
const NOTHING = new Uint8Array(0);

/** The instruction that is about to run. What a tracer does not look at is not made. */
class Step implements TraceStep {
  constructor(
    private readonly frame: FrameView,
    readonly code: number,
    private readonly refundCounter: number,
  ) {}

  get pc(): number {
    return this.frame.pc;
  }

  get op(): string {
    return opcodeName(this.code);
  }

  get gas(): bigint {
    return BigInt(this.frame.gas);
  }

  get depth(): number {
    return this.frame.depth + 1;
  }

  get refund(): bigint {
    return BigInt(this.refundCounter);
  }

  get address(): Address {
    return addressOf(this.frame.self.bytes);
  }

  get stack(): readonly bigint[] {
    const { stack, sp } = this.frame;
    return Array.from({ length: sp / LIMBS }, (_, index) => toBigint(stack, index * LIMBS));
  }

  get memory(): Uint8Array {
    return this.frame.memory.subarray(0, this.frame.memorySize);
  }
}

/** Hands the engine's events to a tracer of the domain. */
export class TraceBridge implements EngineTracer {
  /** The instruction whose cost is not known yet, and the gas before it. */
  #open: { readonly frame: FrameView; readonly gasBefore: number } | undefined;
  /** How the instruction failed that ended the frame in progress. */
  #fault: string | undefined;
  readonly onStep: NonNullable<EngineTracer["onStep"]> | undefined;

  constructor(
    private readonly tracer: Tracer,
    state: StateView,
    private readonly isPrecompile: (address: Address) => boolean,
  ) {
    if (tracer.step !== undefined)
      this.onStep = (frame, opcode, refund) => {
        this.#open = { frame, gasBefore: frame.gas };
        tracer.step?.(new Step(frame, opcode, refund), state);
      };
  }

  onStepEnd(_frame: FrameView, _opcode: number, cost: number): void {
    this.#price(cost);
  }

  onFault(frame: FrameView, opcode: number, cost: number): void {
    this.#fault = faultName(frame, opcode, this.#open?.gasBefore ?? frame.gas);
    this.#price(cost);
    this.tracer.stepFailed?.(isUnaffordable(frame.halt) ? this.#fault : undefined);
  }

  onEnter(frame: FrameView): void {
    const { kind, gasGiven, amount } = frame;
    const isCreate = kind === "CREATE" || kind === "CREATE2";
    const caller = this.#open;
    // Geth counts the gas that a call passes on to the call instruction, but not that of a creation.
    if (caller !== undefined) this.#price(caller.gasBefore - caller.frame.gas - (isCreate ? gasGiven : 0));
    const to = addressOf(frame.codeOwner.bytes);
    this.tracer.enter?.({
      type: kind,
      from: addressOf((kind === "DELEGATECALL" ? frame.self : frame.caller).bytes),
      to,
      input: isCreate ? frame.code.bytes : frame.input,
      value: kind === "STATICCALL" ? undefined : amount,
      gas: BigInt(gasGiven),
      isPrecompile: this.isPrecompile(to),
    });
  }

  /** As Geth shows it: a frame that has ended when it begins. */
  onRefused(frame: FrameView, call: RefusedCall): void {
    const isCreate = call.kind === "CREATE" || call.kind === "CREATE2";
    const caller = this.#open;
    if (caller !== undefined)
      this.#price(caller.gasBefore - caller.frame.gas + (isCreate ? 0 : call.gasPassed));
    const to = addressOf(call.to);
    this.tracer.enter?.({
      type: call.kind,
      from: addressOf(frame.self.bytes),
      to,
      input: call.input,
      value: call.kind === "STATICCALL" ? undefined : call.amount,
      gas: BigInt(call.gas),
      isPrecompile: this.isPrecompile(to),
    });
    const error = refusalName(call.reason);
    this.tracer.exit?.({ output: NOTHING, gasUsed: 0n, error, created: undefined });
  }

  onExit(frame: FrameView, succeeded: boolean, gasUsed: number): void {
    const isCreate = frame.kind === "CREATE" || frame.kind === "CREATE2";
    const fault = this.#fault;
    this.#fault = undefined;
    this.tracer.exit?.({
      output: frame.output,
      gasUsed: BigInt(gasUsed),
      error: succeeded ? undefined : (fault ?? failureName(frame.halt)),
      created: isCreate && succeeded ? addressOf(frame.self.bytes) : undefined,
    });
  }

  #price(cost: number): void {
    if (this.#open === undefined) return;
    this.#open = undefined;
    this.tracer.stepCost?.(BigInt(cost));
  }
}
