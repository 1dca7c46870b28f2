import { setImmediate as nextTurn } from "node:timers/promises";
import { keccak256 } from "@aios/core-keccak/keccak";
import { addressOf, bytes32Of } from "@aios/core-rlp/hex";
import { EMPTY_CODE_HASH, EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import { isCodedError } from "@aios/kernel/coded-error";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { Common } from "@ethereumjs/common";
import { type RunTxResult, runTx } from "@ethereumjs/vm";
import { ReplayBlocks } from "../../application/replay-blocks.js";
import { SimulateBlocks } from "../../application/simulate-blocks.js";
import type { Block, BlockHeader, Log, Receipt } from "../../domain/block.js";
import { type HeaderFields, receiptsRoot, sealHeader, transactionsRoot } from "../../domain/block-codec.js";
import type { BlockSession, MessageResult, SessionOpener } from "../../domain/block-session.js";
import { combineBlooms, logsBloom } from "../../domain/bloom.js";
import { engineBusy, insufficientFunds, nonceTooLow, senderNotExternallyOwned } from "../../domain/errors.js";
import { baseFeeCredits } from "../../domain/fees.js";
import type { Genesis } from "../../domain/genesis.js";
import { contextAfter, networkRules } from "../../domain/network-rules.js";
import type {
  BlockContext,
  BlockInput,
  BlockStore,
  CallOutcome,
  CallRequest,
  DroppedTransaction,
  ExecutedBlock,
  ExecutionEngine,
  StateReference,
  StateStore,
} from "../../domain/ports.js";
import type { SimulatedBlock, SimulationRequest } from "../../domain/simulation.js";
import { type AccountState, OverlayState, type StateChanges, type StateView } from "../../domain/state.js";
import type { TraceJson, TraceOptions } from "../../domain/tracing/tracer.js";
import {
  type AccessListEntry,
  effectiveTip,
  maximumCost,
  type SignedTransaction,
} from "../../domain/transaction.js";
import { withState } from "../../domain/with-state.js";
import { EngineLane } from "./engine-lane.js";
import { EthereumJsSession } from "./ethereumjs-session.js";
import { isDelegation } from "./message-call.js";
import { beginBlock } from "./system-contracts.js";
import { typedTransaction } from "./typed-transaction.js";

/** SHA-256 of no requests (EIP-7685): the network uses none of the consensus layer's requests. */
const EMPTY_REQUESTS_HASH = "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" as Bytes32;
const ZERO_HASH = `0x${"00".repeat(32)}` as Bytes32;

export interface EngineLimits {
  /** Calls that may run or wait at once. */
  readonly maxQueuedCalls: number;
  /** Time after which a block takes no further transaction. */
  readonly maxBlockExecutionMs: number;
  /** RLP size of a block (EIP-7934 allows 8 MiB). */
  readonly maxBlockBytes: number;
  readonly now: () => number;
}

interface Included {
  readonly transactions: SignedTransaction[];
  readonly receipts: Receipt[];
  readonly dropped: DroppedTransaction[];
  readonly deferred: SignedTransaction[];
  gasUsed: bigint;
}

/** Execution by `@ethereumjs/vm`: complete and slow (about 1 ms a transfer). */
export class EthereumJsEngine implements ExecutionEngine, SessionOpener {
  readonly #replay: ReplayBlocks;
  readonly #simulation: SimulateBlocks;

  private constructor(
    private readonly genesis: Genesis,
    private readonly states: StateStore,
    private readonly blockLane: EngineLane,
    private readonly callLane: EngineLane,
    private readonly limits: EngineLimits,
  ) {
    const rules = networkRules(genesis);
    this.#replay = new ReplayBlocks(rules, this);
    this.#simulation = new SimulateBlocks(rules, this, states);
  }

  static async create(
    genesis: Genesis,
    common: Common,
    states: StateStore,
    blocks: Pick<BlockStore, "header">,
    limits: EngineLimits,
  ): Promise<EthereumJsEngine> {
    return new EthereumJsEngine(
      genesis,
      states,
      await EngineLane.create(common, blocks),
      await EngineLane.create(common, blocks),
      limits,
    );
  }

  async executeGenesis(): Promise<ExecutedBlock> {
    const accounts = new Map<Address, AccountState>();
    const storage = new Map<Address, ReadonlyMap<Bytes32, Uint8Array>>();
    const codes = new Map<Bytes32, Uint8Array>();
    for (const [owner, account] of this.genesis.alloc) {
      const codeHash = account.code.length === 0 ? EMPTY_CODE_HASH : bytes32Of(keccak256(account.code));
      if (account.code.length > 0) codes.set(codeHash, account.code);
      if (account.storage.size > 0) storage.set(owner, account.storage);
      accounts.set(owner, {
        nonce: account.nonce,
        balance: account.balance,
        codeHash,
        storageRoot: EMPTY_TRIE_ROOT,
      });
    }
    const changes: StateChanges = { accounts, storage, codes, clearedStorage: new Set() };
    const context: BlockContext = {
      number: 0,
      timestamp: this.genesis.timestamp,
      gasLimit: this.genesis.gasLimit,
      baseFeePerGas: this.genesis.baseFeePerGas,
      feeRecipient: this.genesis.feeRecipient,
      prevRandao: ZERO_HASH,
    };
    const included: Included = { transactions: [], receipts: [], dropped: [], deferred: [], gasUsed: 0n };
    return this.#seal(ZERO_HASH, EMPTY_TRIE_ROOT, context, included, changes);
  }

  async executeBlock(input: BlockInput): Promise<ExecutedBlock> {
    const context = contextAfter(this.genesis, input.parent, input.timestamp);
    const run = async (lane: EngineLane): Promise<ExecutedBlock> => {
      await beginBlock(lane, context, input.parent.hash);
      const included = await this.#runTransactions(lane, context, input.transactions);
      for (const credit of baseFeeCredits(this.genesis, {
        gasUsed: included.gasUsed,
        baseFeePerGas: context.baseFeePerGas,
      })) {
        lane.state.credit(credit.address, credit.amount);
      }
      return this.#seal(input.parent.hash, input.parent.stateRoot, context, included, lane.state.changes());
    };
    return await withState(this.states, input.parent.stateRoot, (view) => this.blockLane.run(view, run));
  }

  async call(state: StateReference, context: BlockContext, request: CallRequest): Promise<CallOutcome> {
    return await this.open(state, context, async (session) =>
      outcomeOf(await session.runMessage(request, { chargesFees: false })),
    );
  }

  async accessList(
    state: StateReference,
    context: BlockContext,
    request: CallRequest,
  ): Promise<{ readonly accessList: readonly AccessListEntry[]; readonly outcome: CallOutcome }> {
    return await this.open(state, context, async (session) => {
      const result = await session.runMessage(request, { chargesFees: false, reportsAccessList: true });
      return { accessList: result.accessList, outcome: outcomeOf(result) };
    });
  }

  traceBlock(
    parent: BlockHeader,
    block: Block,
    index: number | undefined,
    options: TraceOptions,
  ): Promise<readonly TraceJson[]> {
    return this.#replay.traceBlock(parent, block, index, options);
  }

  traceCall(
    state: StateReference,
    context: BlockContext,
    request: CallRequest,
    options: TraceOptions,
  ): Promise<TraceJson> {
    return this.#replay.traceCall(state, context, request, options);
  }

  simulate(parent: BlockHeader, request: SimulationRequest): Promise<readonly SimulatedBlock[]> {
    return this.#simulation.run(parent, request);
  }

  async open<T>(
    reference: StateReference,
    context: BlockContext,
    use: (session: BlockSession) => Promise<T>,
  ): Promise<T> {
    if (this.callLane.depth >= this.limits.maxQueuedCalls) throw engineBusy();
    return await withState(this.states, reference.root, (committed) => {
      const view = reference.overlays.reduce<StateView>(
        (base, changes) => new OverlayState(base, changes),
        committed,
      );
      return this.callLane.run(view, async (lane) => {
        using session = new EthereumJsSession(lane, this.genesis.chainId, context);
        return await use(session);
      });
    });
  }

  async #runTransactions(
    lane: EngineLane,
    context: BlockContext,
    transactions: readonly SignedTransaction[],
  ): Promise<Included> {
    const out: Included = { transactions: [], receipts: [], dropped: [], deferred: [], gasUsed: 0n };
    const block = lane.block(context);
    const startedAt = this.limits.now();
    let sizeBytes = 1024;
    let lastTurnAt = startedAt;
    for (const transaction of transactions) {
      const elapsed = this.limits.now() - startedAt;
      const full =
        context.gasLimit - out.gasUsed < transaction.gasLimit ||
        sizeBytes + transaction.raw.length > this.limits.maxBlockBytes ||
        (elapsed > this.limits.maxBlockExecutionMs && out.transactions.length > 0);
      if (full || effectiveTip(transaction, context.baseFeePerGas) < 0n) {
        out.deferred.push(transaction);
        continue;
      }
      const refusal = this.#refusal(lane, transaction);
      if (refusal === "early") {
        out.deferred.push(transaction);
        continue;
      }
      if (refusal !== undefined) {
        out.dropped.push(refusal);
        continue;
      }
      let result: RunTxResult;
      try {
        result = await runTx(lane.vm, {
          tx: typedTransaction(transaction, lane.vm.common),
          block,
          skipHardForkValidation: true,
        });
      } catch (cause) {
        if (isCodedError(cause)) throw cause;
        const reason = cause instanceof Error ? (cause.message.split(" (")[0] as string) : "unknown";
        out.dropped.push({ hash: transaction.hash, code: "refused-by-engine", reason });
        continue;
      }
      out.gasUsed += result.totalGasSpent;
      sizeBytes += transaction.raw.length + 4;
      out.transactions.push(transaction);
      out.receipts.push(toReceipt(result, out.gasUsed));
      // Execution alone only yields microtasks; requests must be answered meanwhile.
      if (this.limits.now() - lastTurnAt > 15) {
        await nextTurn();
        lastTurnAt = this.limits.now();
      }
    }
    return out;
  }

  /** Why the rules leave the transaction out; `early` when an earlier nonce is still missing. */
  #refusal(lane: EngineLane, transaction: SignedTransaction): DroppedTransaction | "early" | undefined {
    const account = lane.state.accountState(transaction.sender);
    const nonce = account?.nonce ?? 0n;
    const balance = account?.balance ?? 0n;
    const cost = maximumCost(transaction);
    if (transaction.nonce > nonce) return "early";
    const error =
      transaction.nonce < nonce
        ? nonceTooLow(nonce, transaction.nonce)
        : balance < cost
          ? insufficientFunds(balance, cost)
          : account !== undefined &&
              account.codeHash !== EMPTY_CODE_HASH &&
              !isDelegation(lane.state.codeOf(account))
            ? senderNotExternallyOwned()
            : undefined;
    return error === undefined
      ? undefined
      : { hash: transaction.hash, code: error.code, reason: error.message };
  }

  #seal(
    parentHash: Bytes32,
    parentRoot: Bytes32,
    context: BlockContext,
    included: Included,
    changes: StateChanges,
  ): ExecutedBlock {
    const commitment = this.states.commitment(parentRoot, changes);
    const fields: HeaderFields = {
      ...context,
      parentHash,
      stateRoot: commitment.root,
      transactionsRoot: transactionsRoot(included.transactions),
      receiptsRoot: receiptsRoot(included.receipts, included.transactions),
      withdrawalsRoot: EMPTY_TRIE_ROOT,
      requestsHash: EMPTY_REQUESTS_HASH,
      parentBeaconBlockRoot: ZERO_HASH,
      logsBloom: combineBlooms(
        included.receipts.filter((r) => r.logs.length > 0).map((receipt) => logsBloom(receipt.logs)),
      ),
      extraData: new Uint8Array(0),
      gasUsed: included.gasUsed,
      blobGasUsed: 0n,
      excessBlobGas: 0n,
    };
    return {
      header: sealHeader(fields, included.transactions),
      transactions: included.transactions,
      receipts: included.receipts,
      dropped: included.dropped,
      deferred: included.deferred,
      changes: commitment.changes,
      trieNodes: commitment.trieNodes,
    };
  }
}

/** A message's result in the terms of calls. */
export function outcomeOf(result: MessageResult): CallOutcome {
  const { output, gasUsed, gasRefund } = result;
  if (result.error === undefined) return { kind: "success", output, gasUsed, gasRefund };
  if (result.error === "execution reverted") return { kind: "revert", output, gasUsed };
  return { kind: "halt", reason: result.error, gasUsed };
}

function toReceipt(result: RunTxResult, cumulativeGasUsed: bigint): Receipt {
  const logs: Log[] = result.receipt.logs.map(([owner, topics, data]) => ({
    address: addressOf(owner),
    topics: topics.map(bytes32Of),
    data,
  }));
  const succeeded = result.execResult.exceptionError === undefined;
  return {
    succeeded,
    gasUsed: result.totalGasSpent,
    cumulativeGasUsed,
    contractAddress: result.createdAddress === undefined ? null : addressOf(result.createdAddress.bytes),
    logs,
  };
}
