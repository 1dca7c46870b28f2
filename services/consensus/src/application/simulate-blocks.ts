import { CodedError } from "@aios/kernel/coded-error";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { lesser } from "../domain/bigint.js";
import type { BlockHeader, Log, Receipt } from "../domain/block.js";
import {
  earlierFormOf,
  receiptsRoot,
  sealHeader,
  transactionsRoot,
  withdrawalsRoot,
} from "../domain/block-codec.js";
import type { BlockRules, BlockSession, MessageResult, SessionOpener } from "../domain/block-session.js";
import { combineBlooms, receiptBlooms } from "../domain/bloom.js";
import { GAS_PER_BLOB } from "../domain/message-funds.js";
import type { BlockContext, CallRequest, StateStore } from "../domain/ports.js";
import type {
  SimulatedBlock,
  SimulatedBlockRequest,
  SimulatedCall,
  SimulatedCallResult,
  SimulationRequest,
} from "../domain/simulation.js";
import { mergeChanges, OverlayState, type StateChanges, type StateView } from "../domain/state.js";
import { overrideChanges, type StateOverrides } from "../domain/state-override.js";
import { TransferTracer } from "../domain/tracing/transfer-tracer.js";
import type { SignedTransaction } from "../domain/transaction.js";
import { unsignedTransaction } from "../domain/unsigned-transaction.js";
import { withState } from "../domain/with-state.js";

export const MAX_SIMULATED_BLOCKS = 256;
const SECONDS_BETWEEN_BLOCKS = 12;

const GWEI = 1_000_000_000n;
const ZERO_HASH = `0x${"00".repeat(32)}` as Bytes32;

/** Numbers of `eth_simulateV1` in execution-apis. */
export const SIMULATION = {
  nonceTooLow: -38010,
  nonceTooHigh: -38011,
  feeTooLow: -38012,
  intrinsicGas: -38013,
  insufficientFunds: -38014,
  blockGasLimit: -38015,
  blockNumber: -38020,
  timestamp: -38021,
  tooManyBlocks: -38026,
  invalid: -32602,
} as const;

export function simulationRefused(rpcCode: number, message: string): CodedError {
  return new CodedError({
    code: "simulation-refused",
    kind: "unprocessable",
    message,
    details: { rpcCode },
  });
}

const CODES: Readonly<Record<string, number>> = {
  underpriced: SIMULATION.feeTooLow,
  "insufficient-funds": SIMULATION.insufficientFunds,
  "intrinsic-gas-too-low": SIMULATION.intrinsicGas,
};

interface PlacedRequest extends SimulatedBlockRequest {
  readonly number: number;
  readonly timestamp: number;
}

/** What the blocks before left behind; each block adds to it. */
interface Progress {
  readonly request: SimulationRequest;
  readonly layers: StateChanges[];
  readonly gas: { left: bigint };
  readonly ancestorHashes: Map<number, Bytes32>;
}

const NOTHING: SimulatedBlockRequest = {
  overrides: {
    number: undefined,
    timestamp: undefined,
    gasLimit: undefined,
    feeRecipient: undefined,
    prevRandao: undefined,
    baseFeePerGas: undefined,
    blobBaseFeePerGas: undefined,
    parentBeaconBlockRoot: undefined,
    withdrawals: [],
  },
  stateOverrides: new Map(),
  calls: [],
};

/** Numbers and times of all blocks; gaps in the numbers become empty blocks. */
function placeBlocks(base: BlockHeader, blocks: readonly SimulatedBlockRequest[]): PlacedRequest[] {
  const out: PlacedRequest[] = [];
  let number = base.number;
  let timestamp = base.timestamp;
  for (const block of blocks) {
    const wanted = block.overrides.number ?? number + 1;
    if (wanted <= number)
      throw simulationRefused(
        SIMULATION.blockNumber,
        `block numbers must be in order: ${wanted} <= ${number}`,
      );
    if (wanted - base.number > MAX_SIMULATED_BLOCKS)
      throw simulationRefused(SIMULATION.tooManyBlocks, "too many blocks");
    while (number + 1 < wanted) {
      number++;
      timestamp += SECONDS_BETWEEN_BLOCKS;
      out.push({ ...NOTHING, number, timestamp });
    }
    const time = block.overrides.timestamp ?? timestamp + SECONDS_BETWEEN_BLOCKS;
    if (time <= timestamp)
      throw simulationRefused(
        SIMULATION.timestamp,
        `block timestamps must be in order: ${time} <= ${timestamp}`,
      );
    number = wanted;
    timestamp = time;
    out.push({ ...block, number, timestamp });
  }
  return out;
}

/** `eth_simulateV1`: blocks on top of another, each seeing the changes of those before it. */
export class SimulateBlocks {
  constructor(
    private readonly rules: BlockRules,
    private readonly sessions: SessionOpener,
    private readonly states: StateStore,
  ) {}

  /** Throws `simulation-refused` with the JSON-RPC code in its details. */
  async run(base: BlockHeader, request: SimulationRequest): Promise<readonly SimulatedBlock[]> {
    const out: SimulatedBlock[] = [];
    const layers: StateChanges[] = [];
    const gas = { left: request.gasCap };
    const ancestorHashes = new Map([[base.number, base.hash]]);
    let parent = base;
    for (const placed of placeBlocks(base, request.blocks)) {
      const block = await this.#block(base, parent, placed, {
        request,
        layers,
        gas,
        ancestorHashes,
      });
      out.push(block);
      parent = block.header;
      ancestorHashes.set(parent.number, parent.hash);
    }
    return out;
  }

  async #block(
    base: BlockHeader,
    parent: BlockHeader,
    placed: PlacedRequest,
    { request, layers, gas, ancestorHashes }: Progress,
  ): Promise<SimulatedBlock> {
    const { overrides } = placed;
    const excessBlobGas = this.rules.nextExcessBlobGas(parent, placed.timestamp);
    const context: BlockContext = {
      number: placed.number,
      timestamp: placed.timestamp,
      gasLimit: overrides.gasLimit ?? parent.gasLimit,
      feeRecipient: overrides.feeRecipient ?? parent.feeRecipient,
      prevRandao: overrides.prevRandao ?? ZERO_HASH,
      baseFeePerGas: overrides.baseFeePerGas ?? (request.validation ? this.rules.nextBaseFee(parent) : 0n),
      blobBaseFeePerGas:
        overrides.blobBaseFeePerGas ?? this.rules.blobBaseFee(excessBlobGas, placed.timestamp),
      parentBeaconBlockRoot: overrides.parentBeaconBlockRoot ?? ZERO_HASH,
    };
    const pretended = await this.#overrides(base, layers, placed.stateOverrides);
    const reference = { root: base.stateRoot, overlays: [...layers, pretended] };
    return await this.sessions.open(reference, { ...context, ancestorHashes }, async (session) => {
      applyPrecompiles(session, placed.stateOverrides);
      await session.begin(parent.hash);
      const run = await new SimulatedBlockRun(this.rules.chainId, session, context, request, gas).calls(
        placed.calls,
      );
      for (const withdrawal of overrides.withdrawals)
        session.credit(withdrawal.address, withdrawal.amount * GWEI);
      const requestsHash = await session.finish();
      const gasUsed = run.receipts.at(-1)?.cumulativeGasUsed ?? 0n;
      if (request.validation)
        for (const credit of this.rules.baseFeeCredits({ gasUsed, baseFeePerGas: context.baseFeePerGas }))
          session.credit(credit.address, credit.amount);
      layers.push(pretended, session.changes());
      const header = sealHeader(
        {
          ...context,
          parentHash: parent.hash,
          stateRoot: this.states.commitment(base.stateRoot, mergeChanges(layers)).root,
          transactionsRoot: transactionsRoot(run.transactions),
          receiptsRoot: receiptsRoot(run.receipts, run.transactions),
          withdrawalsRoot: withdrawalsRoot(overrides.withdrawals),
          requestsHash,
          parentBeaconBlockRoot: context.parentBeaconBlockRoot ?? ZERO_HASH,
          logsBloom: combineBlooms(receiptBlooms(run.receipts)),
          extraData: new Uint8Array(0),
          gasUsed,
          blobGasUsed: run.blobGasUsed,
          excessBlobGas,
          ...earlierFormOf(this.rules.headerForm?.(context) ?? "prague"),
        },
        run.transactions,
        overrides.withdrawals,
      );
      return {
        header,
        transactions: run.transactions,
        withdrawals: overrides.withdrawals,
        calls: run.results,
      };
    });
  }

  #overrides(base: BlockHeader, layers: readonly StateChanges[], overrides: StateOverrides) {
    return withState(this.states, base.stateRoot, async (committed) =>
      overrideChanges(
        layers.reduce<StateView>((view, changes) => new OverlayState(view, changes), committed),
        overrides,
      ),
    );
  }
}

/** Overriding a precompiled contract's account removes it; `movePrecompileTo` keeps it at another address. */
function applyPrecompiles(session: BlockSession, overrides: StateOverrides): void {
  const removed: Address[] = [];
  const moved = new Map<Address, Address>();
  for (const [address, override] of overrides) {
    if (moved.has(address))
      throw simulationRefused(
        SIMULATION.invalid,
        `account ${address} has already been overridden by a precompile`,
      );
    const isPrecompile = session.isPrecompile(address);
    const target = override.movePrecompileTo;
    if (target !== undefined) {
      if (!isPrecompile)
        throw simulationRefused(SIMULATION.invalid, `account ${address} is not a precompile`);
      if (overrides.has(target))
        throw simulationRefused(SIMULATION.invalid, `account ${target} is already overridden`);
      moved.set(target, address);
    }
    if (isPrecompile) removed.push(address);
  }
  session.overridePrecompiles({ removed, moved });
}

/** The calls of one block. */
class SimulatedBlockRun {
  readonly transactions: SignedTransaction[] = [];
  readonly receipts: Receipt[] = [];
  readonly results: SimulatedCallResult[] = [];
  blobGasUsed = 0n;
  #gasUsed = 0n;
  #logIndex = 0;

  constructor(
    private readonly chainId: number,
    private readonly session: BlockSession,
    private readonly context: BlockContext,
    private readonly request: SimulationRequest,
    private readonly gas: { left: bigint },
  ) {}

  async calls(calls: readonly SimulatedCall[]): Promise<this> {
    for (const call of calls) await this.#call(call);
    return this;
  }

  async #call(call: SimulatedCall): Promise<void> {
    const accountNonce = this.session.state.account(call.from)?.nonce ?? 0n;
    const nonce = call.nonce ?? accountNonce;
    if (this.request.validation) requireNonce(nonce, accountNonce);
    const room = this.context.gasLimit - this.#gasUsed;
    const wanted = call.gasLimit ?? room;
    if (wanted > room)
      throw simulationRefused(
        SIMULATION.blockGasLimit,
        `block gas limit reached: ${this.#gasUsed} >= ${this.context.gasLimit}`,
      );
    const message = { ...call, nonce, gasLimit: lesser(wanted, this.gas.left) };
    const transaction = unsignedTransaction({ ...message, chainId: this.chainId });
    const tracer = new TransferTracer(this.request.traceTransfers, this.#logIndex);
    const result = await this.#run(message, tracer);
    this.#logIndex = tracer.index;
    this.#gasUsed += result.gasUsed;
    this.gas.left -= result.gasUsed;
    this.blobGasUsed += GAS_PER_BLOB * BigInt(call.blobVersionedHashes?.length ?? 0);
    const succeeded = result.error === undefined;
    this.transactions.push(transaction);
    this.receipts.push({
      succeeded,
      gasUsed: result.gasUsed,
      cumulativeGasUsed: this.#gasUsed,
      contractAddress: result.created ?? null,
      logs: succeeded ? result.logs : ([] satisfies Log[]),
    });
    this.results.push({
      output: result.output,
      logs: succeeded ? tracer.logs : [],
      gasUsed: result.gasUsed,
      maxGasUsed: result.maxGasUsed,
      error: result.error,
    });
  }

  async #run(message: CallRequest, tracer: TransferTracer): Promise<MessageResult> {
    try {
      return await this.session.runMessage(message, { chargesFees: this.request.validation, tracer });
    } catch (error) {
      const rpcCode = error instanceof CodedError ? CODES[error.code] : undefined;
      if (rpcCode === undefined || !(error instanceof CodedError)) throw error;
      throw simulationRefused(rpcCode, error.message);
    }
  }
}

function requireNonce(nonce: bigint, expected: bigint): void {
  if (nonce < expected)
    throw simulationRefused(
      SIMULATION.nonceTooLow,
      `nonce too low: next nonce ${expected}, tx nonce ${nonce}`,
    );
  if (nonce > expected)
    throw simulationRefused(
      SIMULATION.nonceTooHigh,
      `nonce too high: next nonce ${expected}, tx nonce ${nonce}`,
    );
}
