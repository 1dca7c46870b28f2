import { word } from "@aios/core-rlp/hex";
import { CodedError } from "@aios/kernel/coded-error";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { SimulatedLog } from "../simulation.js";
import type { StateView } from "../state.js";
import {
  addressOfWord,
  type FrameResult,
  logOf,
  type TracedFrame,
  type TraceJson,
  type Tracer,
  type TraceStep,
} from "./tracer.js";

const SELFDESTRUCT = 0xff;
const MAX_LOG_BYTES = 8 * 1024 * 1024;
/** The pseudo-contract whose logs show transfers of the native coin. */
const COIN = `0x${"ee".repeat(20)}` as Address;
/** keccak256("Transfer(address,address,uint256)"). */
const TRANSFER_TOPIC = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef" as Bytes32;

/**
 * The logs of one simulated transaction, transfers of the native coin among them where asked (`eth_simulateV1`). A
 * failed call takes its logs with it; numbers once given are not given again, as in Geth.
 */
export class TransferTracer implements Tracer {
  readonly #open: SimulatedLog[][] = [];
  #logs: readonly SimulatedLog[] = [];
  #bytes = 0;

  /** `firstIndex` numbers the first log. */
  constructor(
    private readonly showsTransfers: boolean,
    private nextIndex: number,
  ) {}

  get logs(): readonly SimulatedLog[] {
    return this.#logs;
  }

  /** The number after the last one given. */
  get index(): number {
    return this.nextIndex;
  }

  enter(frame: TracedFrame): void {
    this.#open.push([]);
    if (frame.type === "DELEGATECALL" || frame.to === null) return;
    this.#transfer(frame.from, frame.to, frame.value ?? 0n);
  }

  exit(result: FrameResult): void {
    const logs = this.#open.pop();
    if (logs === undefined || result.error !== undefined) return;
    const parent = this.#open.at(-1);
    if (parent === undefined) this.#logs = logs;
    else parent.push(...logs);
  }

  step(step: TraceStep, state: StateView): void {
    if (step.code === SELFDESTRUCT) {
      const heir = step.stack.at(-1);
      if (heir !== undefined)
        this.#transfer(step.address, addressOfWord(heir), state.account(step.address)?.balance ?? 0n);
      return;
    }
    const log = logOf(step, MAX_LOG_BYTES);
    if (log !== undefined) this.#add(log);
  }

  end(): TraceJson {
    return null;
  }

  #transfer(from: Address, to: Address, value: bigint): void {
    if (!this.showsTransfers || value === 0n) return;
    const topic = (address: Address): Bytes32 => `0x${address.slice(2).padStart(64, "0")}` as Bytes32;
    this.#add({ address: COIN, topics: [TRANSFER_TOPIC, topic(from), topic(to)], data: word(value) });
  }

  #add(log: Omit<SimulatedLog, "logIndex">): void {
    this.#bytes += 200 + log.data.length;
    if (this.#bytes > MAX_LOG_BYTES)
      throw new CodedError({
        code: "simulation-too-large",
        kind: "rate-limited",
        message: `the logs of a simulated call are larger than ${MAX_LOG_BYTES} bytes`,
      });
    this.#open.at(-1)?.push({ ...log, logIndex: this.nextIndex++ });
  }
}
