import { toHex } from "@aios/core-rlp/hex";
import type { Log } from "../block.js";
import { revertReason } from "../revert-reason.js";
import type { StateView } from "../state.js";
import { traceTooLarge } from "./struct-logger.js";
import {
  addressOfWord,
  type FrameResult,
  logOf,
  type TracedFrame,
  type TracedTransaction,
  type TraceEnd,
  type TraceJson,
  type TraceOptions,
  type Tracer,
  type TraceStep,
} from "./tracer.js";

const SELFDESTRUCT = 0xff;
const REVERTED = "execution reverted";

interface CallNode {
  readonly frame: TracedFrame;
  result: FrameResult | undefined;
  readonly calls: CallNode[];
  readonly logs: { readonly log: Log; readonly position: number; readonly index: number }[];
  /** Logs of the block when the call began. */
  readonly logsBefore: number;
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** Geth's callTracer: the tree of calls, with logs where asked. Bounded by `maxBytes` of input and output. */
export class CallTracer implements Tracer {
  readonly #open: CallNode[] = [];
  #root: CallNode | undefined;
  #transaction: TracedTransaction | undefined;
  #bytes = 0;
  #logCount = 0;

  constructor(
    private readonly options: Extract<TraceOptions, { tracer: "callTracer" }>,
    private readonly maxBytes: number,
  ) {}

  begin(transaction: TracedTransaction): void {
    this.#transaction = transaction;
    this.#logCount = transaction.logsBefore;
  }

  enter(frame: TracedFrame): void {
    this.#spend(frame.input.length);
    this.#open.push({
      frame: { ...frame, input: frame.input.slice() },
      result: undefined,
      calls: [],
      logs: [],
      logsBefore: this.#logCount,
    });
  }

  exit(result: FrameResult): void {
    const node = this.#open.pop();
    if (node === undefined) return;
    this.#spend(result.output.length);
    node.result = result;
    if (result.error !== undefined) this.#undo(node);
    const parent = this.#open.at(-1);
    if (parent === undefined) this.#root = node;
    else if (!this.options.onlyTopCall) parent.calls.push(node);
  }

  end(result: TraceEnd): TraceJson {
    const transaction = this.#transaction;
    const root: CallNode = this.#root ?? {
      frame: {
        type: transaction?.to === null ? "CREATE" : "CALL",
        from: transaction?.from ?? addressOfWord(0n),
        to: transaction?.to ?? null,
        input: transaction?.input ?? new Uint8Array(0),
        value: transaction?.value ?? 0n,
        gas: transaction?.gas ?? 0n,
        isPrecompile: false,
      },
      result: { output: result.output, gasUsed: result.gasUsed, error: result.error, created: undefined },
      calls: [],
      logs: [],
      logsBefore: 0,
    };
    // The top carries the gas of the transaction, intrinsic gas included.
    const gas = { gas: hex(transaction?.gas ?? root.frame.gas), gasUsed: hex(result.gasUsed) };
    return { ...this.#format(root, false), ...gas };
  }

  /** Self-destructs and logs are seen in instructions only. */
  step(step: TraceStep, state: StateView): void {
    const node = this.#open.at(-1);
    if (node === undefined) return;
    if (step.code === SELFDESTRUCT && !this.options.onlyTopCall) {
      const heir = step.stack.at(-1);
      if (heir === undefined) return;
      const value = state.account(step.address)?.balance ?? 0n;
      const frame = { type: "SELFDESTRUCT", from: step.address, to: addressOfWord(heir), value };
      node.calls.push({
        frame: { ...frame, input: new Uint8Array(0), gas: 0n, isPrecompile: false },
        result: { output: new Uint8Array(0), gasUsed: 0n, error: undefined, created: undefined },
        calls: [],
        logs: [],
        logsBefore: this.#logCount,
      });
    } else if (this.options.withLog) {
      const log = logOf(step, this.maxBytes);
      if (log === undefined) return;
      const index = this.#logCount++;
      if (this.options.onlyTopCall && this.#open.length > 1) return;
      this.#spend(log.data.length);
      node.logs.push({ log, position: node.calls.length, index });
    }
  }

  /** A failed call's logs never were, and a self-destruct ends its call: in one that failed it failed itself. */
  #undo({ calls, logsBefore }: CallNode): void {
    this.#logCount = logsBefore;
    if (calls.at(-1)?.frame.type === "SELFDESTRUCT") calls.pop();
  }

  #spend(bytes: number): void {
    this.#bytes += 300 + bytes * 2;
    if (this.#bytes > this.maxBytes) throw traceTooLarge(this.maxBytes);
  }

  #format(node: CallNode, inFailed: boolean): { readonly [key: string]: TraceJson } {
    const { frame, result } = node;
    const error = result?.error;
    const isCreate = frame.type.startsWith("CREATE");
    const target = isCreate ? (error === undefined ? (result?.created ?? frame.to) : null) : frame.to;
    const output = result?.output ?? new Uint8Array(0);
    const reason = error === REVERTED ? revertReason(output) : undefined;
    const failed = inFailed || error !== undefined;
    const out: { [key: string]: TraceJson } = {
      from: frame.from,
      gas: hex(frame.gas),
      gasUsed: hex(result?.gasUsed ?? 0n),
      input: toHex(frame.input),
      type: frame.type,
    };
    if (target !== null) out["to"] = target;
    if (output.length > 0 && (error === undefined || error === REVERTED)) out["output"] = toHex(output);
    if (error !== undefined) out["error"] = error;
    if (reason !== undefined) out["revertReason"] = reason;
    if (node.calls.length > 0) out["calls"] = node.calls.map((call) => this.#format(call, failed));
    // What a failed call emitted never happened.
    if (node.logs.length > 0 && !failed)
      out["logs"] = node.logs.map(({ log, position, index }) => ({
        address: log.address,
        topics: [...log.topics],
        data: toHex(log.data),
        position: `0x${position.toString(16)}`,
        index: `0x${index.toString(16)}`,
      }));
    if (frame.value !== undefined) out["value"] = hex(frame.value);
    return out;
  }
}
