import { toHex } from "@aios/core-rlp/hex";
import { CodedError } from "@aios/kernel/coded-error";
import type { StateView } from "../state.js";
import type { FrameResult, TraceEnd, TraceJson, TraceOptions, Tracer, TraceStep } from "./tracer.js";

const SLOAD = 0x54;
const SSTORE = 0x55;
const WORD = 32;

export function traceTooLarge(limitBytes: number): CodedError {
  return new CodedError({
    code: "trace-too-large",
    kind: "rate-limited",
    message: `the trace is larger than ${limitBytes} bytes: narrow it with limit, disableStack or disableStorage`,
  });
}

function wordOf(value: bigint): string {
  return `0x${value.toString(16).padStart(2 * WORD, "0")}`;
}

/**
 * Geth's struct logger: one entry per instruction (execution-apis `OpcodeTransactionTrace`).
 * Memory is bounded by `maxBytes` of output, beyond which `trace-too-large` ends the execution.
 */
export class StructLogger implements Tracer {
  readonly #logs: { [key: string]: TraceJson }[] = [];
  readonly #storageOf = new Map<string, Map<string, string>>();
  /** The entry of the last instruction, where it has one. */
  #entry: { [key: string]: TraceJson } | undefined;
  #bytes = 0;
  #returnData = "0x";

  constructor(
    private readonly options: Extract<TraceOptions, { tracer: "structLogger" }>,
    private readonly maxBytes: number,
  ) {}

  exit(result: FrameResult): void {
    this.#returnData = toHex(result.output);
  }

  step(step: TraceStep, state: StateView): void {
    const storage = this.#storage(step, state);
    this.#entry = undefined;
    if (this.options.limit > 0 && this.#logs.length >= this.options.limit) return;
    const entry: { [key: string]: TraceJson } = {
      pc: step.pc,
      op: step.op,
      gas: Number(step.gas),
      gasCost: 0,
      depth: step.depth,
    };
    if (step.refund > 0n) entry["refund"] = Number(step.refund);
    if (!this.options.disableStack) entry["stack"] = step.stack.map((item) => `0x${item.toString(16)}`);
    if (this.options.enableMemory) entry["memory"] = words(step.memory);
    if (this.options.enableReturnData && this.#returnData !== "0x") entry["returnData"] = this.#returnData;
    if (storage !== undefined) entry["storage"] = Object.fromEntries(storage);
    this.#bytes += 100 + this.#sizeOf(step, storage);
    if (this.#bytes > this.maxBytes) throw traceTooLarge(this.maxBytes);
    this.#logs.push(entry);
    this.#entry = entry;
  }

  stepCost(gasCost: bigint): void {
    if (this.#entry !== undefined) this.#entry["gasCost"] = Number(gasCost);
  }

  stepFailed(unaffordable: string | undefined): void {
    if (this.#entry !== undefined && unaffordable !== undefined) this.#entry["error"] = unaffordable;
  }

  end(result: TraceEnd): TraceJson {
    return {
      gas: Number(result.gasUsed),
      failed: result.error !== undefined,
      returnValue: toHex(result.output),
      structLogs: this.#logs,
    };
  }

  #sizeOf(step: TraceStep, storage: ReadonlyMap<string, string> | undefined): number {
    return (
      (this.options.disableStack ? 0 : step.stack.length * 36) +
      (this.options.enableMemory ? step.memory.length * 2 : 0) +
      (this.options.enableReturnData ? this.#returnData.length : 0) +
      (storage?.size ?? 0) * 140
    );
  }

  /** All slots of the contract seen so far; only at the instructions that touch storage. */
  #storage(step: TraceStep, state: StateView): ReadonlyMap<string, string> | undefined {
    if (this.options.disableStorage || (step.code !== SLOAD && step.code !== SSTORE)) return undefined;
    const key = step.stack.at(-1);
    if (key === undefined) return undefined;
    const slot = wordOf(key);
    const value = step.code === SSTORE ? step.stack.at(-2) : undefined;
    if (step.code === SSTORE && value === undefined) return undefined;
    let seen = this.#storageOf.get(step.address);
    if (seen === undefined) {
      seen = new Map();
      this.#storageOf.set(step.address, seen);
    }
    seen.set(
      slot,
      value === undefined
        ? `0x${toHex(state.storage(step.address, slot as Parameters<StateView["storage"]>[1]))
            .slice(2)
            .padStart(2 * WORD, "0")}`
        : wordOf(value),
    );
    return seen;
  }
}

function words(memory: Uint8Array): string[] {
  const out: string[] = [];
  for (let offset = 0; offset < memory.length; offset += WORD)
    out.push(
      `0x${toHex(memory.subarray(offset, offset + WORD))
        .slice(2)
        .padEnd(2 * WORD, "0")}`,
    );
  return out;
}
