import { keccak256 } from "@aios/core-keccak/keccak";
import { bytes32Of } from "@aios/core-rlp/hex";
import { CodedError } from "@aios/kernel/coded-error";
import { type Address, address, type Bytes32 } from "@aios/kernel/identifiers";
import { lesser } from "../domain/bigint.js";
import type { BlockSelector } from "../domain/block-tag.js";
import type {
  CallOutcome,
  CallRequest,
  ExecutionEngine,
  StateReference,
  StateStore,
} from "../domain/ports.js";
import { type AccountState, OverlayState, type StateChanges, type StateView } from "../domain/state.js";
import { EMPTY_ACCOUNT } from "../domain/state-commitment.js";
import type { AccessListEntry } from "../domain/transaction.js";
import { readState } from "../domain/with-state.js";
import type { ChainView } from "./chain-view.js";

/** What a call pretends about an account; `state` replaces all storage, `stateDiff` single slots. */
export interface StateOverride {
  readonly balance: bigint | undefined;
  readonly nonce: bigint | undefined;
  readonly code: Uint8Array | undefined;
  readonly state: ReadonlyMap<Bytes32, Uint8Array> | undefined;
  readonly stateDiff: ReadonlyMap<Bytes32, Uint8Array> | undefined;
}

type Overrides = ReadonlyMap<Address, StateOverride> | undefined;

/** A call as a user states it; what is absent has Ethereum's default. */
export interface CallArguments extends Partial<Omit<CallRequest, "gasLimit">> {
  readonly gasLimit?: bigint;
}

const TRANSFER_GAS = 21_000n;
const CALL_STIPEND = 2_300n;
/** Gas does not depend on its price; without one, the search is not bounded by what the sender can pay. */
const FREE = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n } as const;
const ZERO_ADDRESS = address(`0x${"00".repeat(20)}`);

export function executionReverted(output: Uint8Array, reason: string | undefined): CodedError {
  return new CodedError({
    code: "execution-reverted",
    kind: "unprocessable",
    message: reason === undefined ? "execution reverted" : `execution reverted: ${reason}`,
    details: { output },
  });
}

function executionHalted(reason: string): CodedError {
  return new CodedError({ code: "execution-halted", kind: "unprocessable", message: reason });
}

/** `Error(string)` and `Panic(uint256)` in words; `undefined` for any other revert data. */
export function revertReason(output: Uint8Array): string | undefined {
  const view = new DataView(output.buffer, output.byteOffset, output.byteLength);
  if (output.length >= 68 && view.getUint32(0) === 0x08c379a0) {
    const length = view.getUint32(64);
    if (68 + length > output.length) return undefined;
    return new TextDecoder().decode(output.subarray(68, 68 + length));
  }
  if (output.length === 36 && view.getUint32(0) === 0x4e487b71)
    return `Panic(0x${view.getUint32(32).toString(16)})`;
  return undefined;
}

function requireSuccess(outcome: CallOutcome): Extract<CallOutcome, { kind: "success" }> {
  if (outcome.kind === "success") return outcome;
  if (outcome.kind === "revert") throw executionReverted(outcome.output, revertReason(outcome.output));
  throw executionHalted(outcome.reason);
}

/** Questions that run code without changing anything. */
export class CallContract {
  constructor(
    private readonly chain: ChainView,
    private readonly engine: ExecutionEngine,
    private readonly states: StateStore,
    /** Most gas a call may use. */
    private readonly gasCap: bigint,
  ) {}

  /** Return data. Throws `execution-reverted` with the data, `execution-halted`, `insufficient-funds`. */
  async call(args: CallArguments, selector: BlockSelector, overrides: Overrides): Promise<Uint8Array> {
    const { state, context } = await this.chain.point(selector);
    const outcome = await this.engine.call(
      this.#withOverrides(state, overrides),
      context,
      this.#request(args, this.gasCap),
    );
    return requireSuccess(outcome).output;
  }

  async accessList(
    args: CallArguments,
    selector: BlockSelector,
  ): Promise<{ readonly accessList: readonly AccessListEntry[]; readonly outcome: CallOutcome }> {
    const { state, context } = await this.chain.point(selector);
    return await this.engine.accessList(state, context, this.#request(args, this.gasCap));
  }

  /**
   * The least gas limit (within 1.5%) with which the transaction succeeds. Throws as `call` does when none within the
   * cap is enough.
   */
  async estimateGas(args: CallArguments, selector: BlockSelector, overrides: Overrides): Promise<bigint> {
    const point = await this.chain.point(selector);
    const state = this.#withOverrides(point.state, overrides);
    const most =
      args.gasLimit !== undefined && args.gasLimit > 0n && args.gasLimit < this.gasCap
        ? args.gasLimit
        : this.gasCap;
    const attempt = (gasLimit: bigint): Promise<CallOutcome> =>
      this.engine.call(state, point.context, this.#request({ ...args, ...FREE, gasLimit }, this.gasCap));
    const first = requireSuccess(await attempt(most));
    if (first.gasUsed === TRANSFER_GAS) return TRANSFER_GAS;
    let low = first.gasUsed - 1n;
    let high = most;
    const likely = ((first.gasUsed + first.gasRefund + CALL_STIPEND) * 64n) / 63n;
    if (likely < high) {
      if ((await attempt(likely)).kind === "success") high = likely;
      else low = likely;
    }
    while (low + 1n < high && (high - low) * 1000n > high * 15n) {
      const middle = low * 2n < high ? low * 2n : (low + high) / 2n;
      const limit = middle > low ? middle : low + 1n;
      if (await this.#succeeds(attempt, limit)) high = limit;
      else low = limit;
    }
    return high;
  }

  async #succeeds(attempt: (gasLimit: bigint) => Promise<CallOutcome>, gasLimit: bigint): Promise<boolean> {
    try {
      return (await attempt(gasLimit)).kind === "success";
    } catch (error) {
      if (error instanceof CodedError && error.code === "intrinsic-gas-too-low") return false;
      throw error;
    }
  }

  #withOverrides(state: StateReference, overrides: Overrides): StateReference {
    if (overrides === undefined) return state;
    const changes = readState(this.states, state.root, (committed) => {
      const view = state.overlays.reduce<StateView>(
        (base, overlay) => new OverlayState(base, overlay),
        committed,
      );
      return overrideChanges(view, overrides);
    });
    return { ...state, overlays: [...state.overlays, changes] };
  }

  #request(args: CallArguments, defaultGas: bigint): CallRequest {
    const wanted = args.gasLimit ?? defaultGas;
    return {
      from: args.from ?? ZERO_ADDRESS,
      to: args.to ?? null,
      data: args.data ?? new Uint8Array(0),
      value: args.value ?? 0n,
      gasLimit: lesser(wanted, this.gasCap),
      maxFeePerGas: args.maxFeePerGas ?? 0n,
      maxPriorityFeePerGas: args.maxPriorityFeePerGas ?? 0n,
      accessList: args.accessList ?? [],
      authorizationList: args.authorizationList ?? [],
    };
  }
}

function overrideChanges(view: StateView, overrides: ReadonlyMap<Address, StateOverride>): StateChanges {
  const accounts = new Map<Address, AccountState>();
  const storage = new Map<Address, ReadonlyMap<Bytes32, Uint8Array>>();
  const clearedStorage = new Set<Address>();
  const codes = new Map<Bytes32, Uint8Array>();
  for (const [owner, override] of overrides) {
    const account = view.account(owner) ?? EMPTY_ACCOUNT;
    const codeHash = override.code === undefined ? account.codeHash : bytes32Of(keccak256(override.code));
    if (override.code !== undefined) codes.set(codeHash, override.code);
    accounts.set(owner, {
      ...account,
      codeHash,
      balance: override.balance ?? account.balance,
      nonce: override.nonce ?? account.nonce,
    });
    if (override.state !== undefined) clearedStorage.add(owner);
    const slots = override.state ?? override.stateDiff;
    if (slots !== undefined) storage.set(owner, slots);
  }
  return { accounts, storage, clearedStorage, codes };
}
