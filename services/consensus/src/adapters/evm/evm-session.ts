import type { Account } from "@aios/core-evm/account";
import type { CodeCache } from "@aios/core-evm/code";
import { type BlockEnvironment, ExecutionContext, type FramePool } from "@aios/core-evm/context";
import { createAddress } from "@aios/core-evm/contract-address";
import { executeTransaction } from "@aios/core-evm/execute-transaction";
import { FORK } from "@aios/core-evm/hardfork";
import type { Precompile } from "@aios/core-evm/precompiles/precompile";
import type { Rules } from "@aios/core-evm/rules";
import { beginBlock, takeRequests } from "@aios/core-evm/system-calls";
import type { EvmTransaction } from "@aios/core-evm/transaction";
import type { TransactionResult } from "@aios/core-evm/transaction-result";
import { checkTransaction, intrinsicGas } from "@aios/core-evm/transaction-rules";
import { WorldState } from "@aios/core-evm/world-state";
import { addressOf, bytes32Of, fromHex, word } from "@aios/core-rlp/hex";
import type { RecoverPublicKey } from "@aios/core-transactions/sender";
import { isCodedError } from "@aios/kernel/coded-error";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { greater } from "../../domain/bigint.js";
import { requestsHash } from "../../domain/block-codec.js";
import type {
  BlockSession,
  MessageOptions,
  MessageResult,
  PrecompileOverrides,
} from "../../domain/block-session.js";
import { intrinsicGasTooLow, refusedByEngine } from "../../domain/errors.js";
import { contextOfMessage, requireInitCodeSize, requirePayable } from "../../domain/message-funds.js";
import type { BlockContext, CallRequest } from "../../domain/ports.js";
import type { StateChanges, StateView } from "../../domain/state.js";
import type { Tracer } from "../../domain/tracing/tracer.js";
import type { SignedTransaction } from "../../domain/transaction.js";
import { AccessListTracer } from "./access-list-tracer.js";
import { evmMessage, evmTransaction } from "./evm-transaction.js";
import { failureName } from "./halt-name.js";
import { SessionState, ViewReader } from "./session-state.js";
import { TraceBridge } from "./trace-bridge.js";

const ZERO_WORD = new Uint8Array(32);
/** Most transactions leave no logs, and share this. */
const NOTHING: readonly never[] = Object.freeze([]);

/** What sessions share: nothing of it outlives a transaction, and transactions never overlap. */
export interface Machine {
  readonly frames: FramePool;
  readonly codes: CodeCache;
  readonly recover: RecoverPublicKey;
  /** Keeps outsiders from choosing addresses and slots that collide in hash tables. */
  readonly hashSeed: number;
  /** Hash of a stored block. */
  blockHash(number: number): Bytes32 | undefined;
}

/** Single transactions of a block in progress, by our own engine. */
export class EvmSession implements BlockSession {
  readonly state: StateView;
  readonly #state: SessionState;
  readonly #world: WorldState;
  readonly #execution: ExecutionContext;
  /** Of the block so far. */
  #logs = 0;
  #precompiles: ReadonlyMap<Account, Precompile | undefined> | undefined;
  /** Of the block so far, on a chain whose deposits are logs (EIP-6110). */
  readonly #depositLogs: TransactionResult["logs"][number][] = [];

  constructor(
    private readonly machine: Machine,
    private readonly rules: Rules,
    private readonly context: BlockContext,
    view: StateView,
    overlays: readonly StateChanges[],
  ) {
    const reader = new ViewReader(view, overlays);
    this.#world = new WorldState(reader, { codes: machine.codes, hashSeed: machine.hashSeed });
    this.#state = new SessionState(this.#world, reader);
    this.state = this.#state;
    this.#execution = this.#executionOn(context);
  }

  isPrecompile(address: Address): boolean {
    return this.#execution.precompileOf(this.#world.accountAt(fromHex(address))) !== undefined;
  }

  overridePrecompiles({ removed, moved }: PrecompileOverrides): void {
    const account = (address: Address): Account => this.#world.accountAt(fromHex(address));
    const overrides = new Map<Account, Precompile | undefined>();
    for (const address of removed) overrides.set(account(address), undefined);
    for (const [target, source] of moved)
      overrides.set(account(target), this.rules.precompiles.get(account(source).small));
    this.#precompiles = overrides;
    this.#execution.precompileOverrides = overrides;
  }

  async begin(parentHash: Bytes32): Promise<void> {
    const { parentBeaconBlockRoot: root } = this.context;
    beginBlock(this.#execution, root === undefined ? ZERO_WORD : fromHex(root), fromHex(parentHash));
  }

  runSigned(transaction: SignedTransaction, tracer?: Tracer): MessageResult {
    const { sender, gasLimit, data, to, value } = transaction;
    const tx = evmTransaction(transaction, this.machine.recover);
    this.#requireValid(tx);
    const { feeRecipient } = this.context;
    tracer?.begin?.(
      {
        from: sender,
        to,
        input: data,
        value,
        gas: gasLimit,
        feeRecipient,
        authorities: authoritiesOf(tx),
        logsBefore: this.#logs,
        destroysOnlyNew: this.#destroysOnlyNew,
      },
      this.state,
    );
    const result = resultOf(this.#run(this.#execution, tx, tracer));
    this.#logs += result.logs.length;
    return result;
  }

  async runMessage(request: CallRequest, options: MessageOptions): Promise<MessageResult> {
    const { tracer, reportsAccessList = false } = options;
    const sender = this.#world.accountAt(fromHex(request.from));
    const seen = contextOfMessage(this.context, request, options);
    requirePayable(request, sender.balance, seen);
    requireInitCodeSize(request);
    const tx = evmMessage(request, sender.nonce, this.machine.recover);
    const { gas, floor } = intrinsicGas(tx, this.rules.fork);
    const least = BigInt(Math.max(gas, floor));
    if (request.gasLimit < least) throw intrinsicGasTooLow(request.gasLimit, least);
    const execution = seen === this.context ? this.#execution : this.#executionOn(seen);
    const { feeRecipient } = this.context;
    const traced = { ...request, input: request.data, gas: request.gasLimit, feeRecipient };
    tracer?.begin?.(
      {
        ...traced,
        authorities: authoritiesOf(tx),
        logsBefore: this.#logs,
        destroysOnlyNew: this.#destroysOnlyNew,
      },
      this.state,
    );
    return reportsAccessList
      ? this.#listing(execution, tx, request)
      : resultOf(this.#run(execution, tx, tracer));
  }

  credit(address: Address, amount: bigint): void {
    const account = this.#world.accountAt(fromHex(address));
    this.#world.setBalance(account, account.balance + amount);
    this.#world.endTransaction();
  }

  async finish(): Promise<Bytes32> {
    return requestsHash(takeRequests(this.#execution, this.#depositLogs));
  }

  changes(): StateChanges {
    return this.#state.changes();
  }

  get #destroysOnlyNew(): boolean {
    return this.rules.fork >= FORK.cancun;
  }

  #executionOn(context: BlockContext): ExecutionContext {
    const environment = environmentOf(
      context,
      (number) => context.ancestorHashes?.get(number) ?? this.machine.blockHash(number),
    );
    const out = new ExecutionContext(this.#world, this.rules, environment, this.machine.frames);
    out.precompileOverrides = this.#precompiles;
    return out;
  }

  #requireValid(tx: EvmTransaction): void {
    try {
      const { gasLimit } = this.#execution.block;
      checkTransaction(tx, this.#world.accountAt(tx.from), this.#execution, gasLimit);
    } catch (cause) {
      throw isCodedError(cause) ? refusedByEngine(cause.message, cause) : cause;
    }
  }

  #run(execution: ExecutionContext, tx: EvmTransaction, tracer: Tracer | undefined): TransactionResult {
    if (tracer !== undefined)
      execution.tracer = new TraceBridge(tracer, this.state, (address) => this.isPrecompile(address));
    try {
      const result = executeTransaction(execution, tx, { unchecked: true });
      if (this.rules.depositContract !== undefined)
        for (const log of result.logs) this.#depositLogs.push(log);
      return result;
    } finally {
      execution.tracer = undefined;
    }
  }

  #listing(execution: ExecutionContext, tx: EvmTransaction, request: CallRequest): MessageResult {
    const { from, to, accessList } = request;
    const target = to ?? addressOf(createAddress(tx.from, tx.nonce));
    const warm = new Set<Address>([from, target, ...authoritiesOf(tx)]);
    const listed = new AccessListTracer(
      accessList,
      (address) => warm.has(address) || this.isPrecompile(address),
    );
    execution.tracer = listed;
    try {
      const result = executeTransaction(execution, tx, { unchecked: true });
      return { ...resultOf(result), accessList: listed.accessList() };
    } finally {
      execution.tracer = undefined;
    }
  }
}

/** Who signed the authorizations (EIP-7702): touched before the first instruction. */
function authoritiesOf({ authorizations = [] }: EvmTransaction): Address[] {
  return authorizations.flatMap(({ authority }) => (authority === undefined ? [] : [addressOf(authority)]));
}

function environmentOf(
  context: BlockContext,
  blockHash: (number: number) => Bytes32 | undefined,
): BlockEnvironment {
  const { number, timestamp, gasLimit, baseFeePerGas, difficulty } = context;
  return {
    number,
    timestamp,
    gasLimit,
    baseFeePerGas,
    blobBaseFee: context.blobBaseFeePerGas ?? 1n,
    coinbase: fromHex(context.feeRecipient),
    prevRandao: difficulty === undefined ? fromHex(context.prevRandao) : word(difficulty),
    blockHash: (wanted) => {
      const hash = blockHash(wanted);
      return hash === undefined ? undefined : fromHex(hash);
    },
  };
}

function resultOf(result: TransactionResult): MessageResult {
  const { status, halt, output, gasUsed, gasBeforeRefund, gasRefunded, createdAddress, logs } = result;
  return {
    output,
    error: status === "succeeded" ? undefined : failureName(halt),
    gasUsed,
    maxGasUsed: greater(gasBeforeRefund, gasUsed),
    gasRefund: gasRefunded,
    logs:
      logs.length === 0
        ? NOTHING
        : logs.map(({ address, topics, data }) => ({
            address: addressOf(address),
            topics: topics.map(bytes32Of),
            data,
          })),
    created: createdAddress === undefined ? undefined : addressOf(createdAddress),
    accessList: NOTHING,
  };
}
