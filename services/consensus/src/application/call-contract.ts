import { EMPTY_CODE_HASH } from "@aios/core-trie/empty-hashes";
import { CodedError } from "@aios/kernel/coded-error";
import { address } from "@aios/kernel/identifiers";
import { lesser } from "../domain/bigint.js";
import { TRANSACTION_FEATURES, type TransactionFeature } from "../domain/block-session.js";
import type { BlockSelector } from "../domain/block-tag.js";
import { insufficientFunds } from "../domain/errors.js";
import { GAS_PER_BLOB } from "../domain/message-funds.js";
import type { CallEngine, CallOutcome, CallRequest, StateReference, StateStore } from "../domain/ports.js";
import { revertReason } from "../domain/revert-reason.js";
import { OverlayState, type StateView } from "../domain/state.js";
import { overrideChanges, type StateOverrides } from "../domain/state-override.js";
import type { TraceJson, TraceOptions } from "../domain/tracing/tracer.js";
import type { AccessListEntry } from "../domain/transaction.js";
import { readState } from "../domain/with-state.js";
import type { ChainPoint, ChainView } from "./chain-view.js";

type Overrides = StateOverrides | undefined;

/** A call as a user states it; what is absent has Ethereum's default. */
export interface CallArguments extends Partial<Omit<CallRequest, "gasLimit">> {
  readonly gasLimit?: bigint;
  /** The fees were given as EIP-1559 names them, and not as one price. */
  readonly namesFeeMarket?: true;
}

const TRANSFER_GAS = 21_000n;
const CALL_STIPEND = 2_300n;
/** Of a call that names no price, a tip at most. */
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

/** The error of a message that ended with this fault (Ethereum's name of it). */
export function executionFault(fault: string, output: Uint8Array): CodedError {
  return fault === "execution reverted"
    ? executionReverted(output, revertReason(output))
    : executionHalted(fault);
}

/**
 * The gas that the sender can pay at the offered price, at most `most`; without a price the search is not bounded by the
 * balance, as in Geth. Throws `insufficient-funds` where the value and the blobs alone are more than the balance. Wei.
 */
function affordableGas(args: CallArguments, balance: bigint, most: bigint): bigint {
  const { maxFeePerGas: price = 0n, maxFeePerBlobGas = 0n, value = 0n } = args;
  if (price === 0n) return most;
  const blobs = GAS_PER_BLOB * BigInt(args.blobVersionedHashes?.length ?? 0) * maxFeePerBlobGas;
  const left = balance - value - blobs;
  if (left < 0n) throw insufficientFunds(balance, value + blobs);
  return lesser(left / price, most);
}

function featuresOf(args: CallArguments): TransactionFeature[] {
  const uses: Readonly<Record<TransactionFeature, boolean>> = {
    "access lists": args.accessList !== undefined,
    "fee markets": args.namesFeeMarket === true,
    blobs: args.maxFeePerBlobGas !== undefined || args.blobVersionedHashes !== undefined,
    delegations: args.authorizationList !== undefined,
  };
  return TRANSACTION_FEATURES.filter((feature) => uses[feature]);
}

function forkNotActive(feature: TransactionFeature, height: number): CodedError {
  return new CodedError({
    code: "fork-not-active",
    kind: "unprocessable",
    message: `transaction type not supported: block ${height} is before the fork that brought ${feature}`,
  });
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
    private readonly engine: CallEngine,
    private readonly states: StateStore,
    /** Most gas a call may use. */
    private readonly gasCap: bigint,
  ) {}

  /** Return data. Throws `execution-reverted` with the data, `execution-halted`, `insufficient-funds`. */
  async call(args: CallArguments, selector: BlockSelector, overrides: Overrides): Promise<Uint8Array> {
    const { state, context } = await this.#point(args, selector);
    const outcome = await this.engine.call(
      this.#withOverrides(state, overrides),
      context,
      this.#request(args, this.gasCap),
    );
    return requireSuccess(outcome).output;
  }

  /** The call followed by a tracer, whether it succeeds or not. */
  async trace(
    args: CallArguments,
    selector: BlockSelector,
    overrides: Overrides,
    options: TraceOptions,
  ): Promise<TraceJson> {
    const { state, context } = await this.#point(args, selector);
    return await this.engine.traceCall(
      this.#withOverrides(state, overrides),
      context,
      this.#request(args, this.gasCap),
      options,
    );
  }

  async accessList(
    args: CallArguments,
    selector: BlockSelector,
  ): Promise<{ readonly accessList: readonly AccessListEntry[]; readonly outcome: CallOutcome }> {
    const { state, context } = await this.#point({ accessList: [], ...args }, selector);
    return await this.engine.accessList(state, context, this.#request(args, this.gasCap));
  }

  /**
   * The least gas limit (within 1.5%) with which the transaction succeeds. Throws as `call` does when none within the
   * cap is enough.
   */
  async estimateGas(args: CallArguments, selector: BlockSelector, overrides: Overrides): Promise<bigint> {
    const point = await this.#point(args, selector);
    const state = this.#withOverrides(point.state, overrides);
    const { balance, isTransfer } = this.#parties(state, args);
    const wanted = args.gasLimit === undefined || args.gasLimit === 0n ? this.gasCap : args.gasLimit;
    const most = affordableGas(args, balance, lesser(wanted, this.gasCap));
    const priced = args.maxFeePerGas === undefined ? { ...args, ...FREE } : args;
    const attempt = (gasLimit: bigint): Promise<CallOutcome> =>
      this.engine.call(state, point.context, this.#request({ ...priced, gasLimit }, this.gasCap));
    const first = requireSuccess(await attempt(most));
    if (isTransfer && first.gasUsed === TRANSFER_GAS) return TRANSFER_GAS;
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

  /** Throws `fork-not-active` for a field that a later fork than the block's brought. */
  async #point(args: CallArguments, selector: BlockSelector): Promise<ChainPoint> {
    const point = await this.chain.point(selector);
    const { rules } = this.chain;
    const inactive = featuresOf(args).find((feature) => rules.isActive?.(feature, point.context) === false);
    if (inactive !== undefined) throw forkNotActive(inactive, point.context.number);
    return point;
  }

  /** What the sender has, and whether nothing but value moves. */
  #parties(state: StateReference, { from, to, data }: CallArguments) {
    return this.#read(state, (view) => {
      const code = to === undefined || to === null ? undefined : view.account(to)?.codeHash;
      const hasCode = code !== undefined && code !== EMPTY_CODE_HASH;
      return {
        balance: view.account(from ?? ZERO_ADDRESS)?.balance ?? 0n,
        isTransfer: to !== undefined && to !== null && !hasCode && (data?.length ?? 0) === 0,
      };
    });
  }

  #read<T>({ root, overlays }: StateReference, use: (view: StateView) => T): T {
    return readState(this.states, root, (committed) =>
      use(overlays.reduce<StateView>((base, overlay) => new OverlayState(base, overlay), committed)),
    );
  }

  #withOverrides(state: StateReference, overrides: Overrides): StateReference {
    if (overrides === undefined) return state;
    const changes = this.#read(state, (view) => overrideChanges(view, overrides));
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
      ...(args.blobVersionedHashes === undefined ? {} : { blobVersionedHashes: args.blobVersionedHashes }),
      ...(args.maxFeePerBlobGas === undefined ? {} : { maxFeePerBlobGas: args.maxFeePerBlobGas }),
    };
  }
}
