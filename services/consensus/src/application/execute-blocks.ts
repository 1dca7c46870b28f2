import { setImmediate as nextTurn } from "node:timers/promises";
import { EMPTY_CODE_HASH, EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import { NewNodes } from "@aios/core-trie/new-nodes";
import { CodedError } from "@aios/kernel/coded-error";
import type { Bytes32 } from "@aios/kernel/identifiers";
import type { BlockHeader, Receipt } from "../domain/block.js";
import { receiptsRoot, requestsHash, sealHeader, transactionsRoot } from "../domain/block-codec.js";
import type { BlockSession, MessageResult, SessionOpener } from "../domain/block-session.js";
import { combineBlooms, receiptBlooms } from "../domain/bloom.js";
import { isDelegation } from "../domain/delegation.js";
import {
  insufficientFunds,
  nonceTooLow,
  REFUSED_BY_ENGINE,
  senderNotExternallyOwned,
} from "../domain/errors.js";
import { baseFeeCredits } from "../domain/fees.js";
import type { Genesis } from "../domain/genesis.js";
import { contextAfter } from "../domain/network-rules.js";
import type {
  BlockContext,
  BlockInput,
  DroppedTransaction,
  ExecutedBlock,
  ExecutionEngine,
  FoundingStore,
} from "../domain/ports.js";
import { NO_CHANGES, type StateChanges } from "../domain/state.js";
import type { StateCommitment } from "../domain/state-commitment.js";
import { effectiveTip, maximumCost, type SignedTransaction } from "../domain/transaction.js";

const ZERO_HASH = `0x${"00".repeat(32)}` as Bytes32;
/** Room for header and list prefixes in the size of a block. */
const HEADER_ROOM_BYTES = 1_024;
/** Requests are answered at least this often while a block is made: a call waits for two or three turns. */
const TURN_MS = 4;
/** Transactions from which sealing a block takes longer than a turn should. */
const LARGE_BLOCK = 100;

/** What this network never fills in. */
const UNUSED_FIELDS = {
  withdrawalsRoot: EMPTY_TRIE_ROOT,
  parentBeaconBlockRoot: ZERO_HASH,
  extraData: new Uint8Array(0),
  blobGasUsed: 0n,
  excessBlobGas: 0n,
} as const;

export interface BlockLimits {
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
  sizeBytes: number;
}

/** The blocks of the network, made of the single transactions that an engine runs. */
export class ExecuteBlocks implements Pick<ExecutionEngine, "executeBlock" | "executeGenesis"> {
  constructor(
    private readonly genesis: Genesis,
    private readonly sessions: SessionOpener,
    private readonly states: FoundingStore,
    private readonly limits: BlockLimits,
  ) {}

  async executeGenesis(): Promise<ExecutedBlock> {
    const stateRoot = await this.states.found(this.genesis.alloc);
    const { transactions, receipts, dropped, deferred } = nothingIncluded();
    const header = genesisHeader(this.genesis, stateRoot);
    const nothing = { changes: NO_CHANGES, trieNodes: new NewNodes(), tries: new Map() };
    return { header, transactions, receipts, dropped, deferred, ...nothing };
  }

  async executeBlock(input: BlockInput): Promise<ExecutedBlock> {
    const { parent } = input;
    const context = contextAfter(this.genesis, parent, input);
    return await this.sessions.open({ root: parent.stateRoot, overlays: [] }, context, async (session) => {
      await session.begin(parent.hash);
      const included = await this.#run(session, context, input.transactions);
      const requests = await session.finish();
      const { gasUsed } = included;
      for (const { address, amount } of baseFeeCredits(this.genesis, { ...context, gasUsed }))
        session.credit(address, amount);
      const commitment = await this.#commit(parent.stateRoot, session.changes());
      return this.#seal(parent, context, included, requests, commitment);
    });
  }

  async #run(
    session: BlockSession,
    context: BlockContext,
    transactions: readonly SignedTransaction[],
  ): Promise<Included> {
    const out = nothingIncluded();
    const startedAt = this.limits.now();
    let lastTurnAt = startedAt;
    for (const transaction of transactions) {
      const isLate =
        this.limits.now() - startedAt > this.limits.maxBlockExecutionMs && out.transactions.length > 0;
      if (isLate || !this.#fits(transaction, context, out)) {
        out.deferred.push(transaction);
        continue;
      }
      const running = include(session, transaction, out);
      if (running !== undefined) await running;
      // Execution alone only yields microtasks; requests must be answered meanwhile.
      if (this.limits.now() - lastTurnAt > TURN_MS) {
        await nextTurn();
        lastTurnAt = this.limits.now();
      }
    }
    return out;
  }

  async #commit(parentRoot: Bytes32, changes: StateChanges): Promise<StateCommitment> {
    const steps = this.states.commitmentSteps(parentRoot, changes);
    let lastTurnAt = this.limits.now();
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done === true) return step.value;
      if (this.limits.now() - lastTurnAt < TURN_MS) continue;
      await nextTurn();
      lastTurnAt = this.limits.now();
    }
  }

  #fits(transaction: SignedTransaction, context: BlockContext, out: Included): boolean {
    return (
      context.gasLimit - out.gasUsed >= transaction.gasLimit &&
      out.sizeBytes + transaction.raw.length <= this.limits.maxBlockBytes &&
      effectiveTip(transaction, context.baseFeePerGas) >= 0n
    );
  }

  /** Roots, header, size. Each part is as long as the block is large, so requests are answered between them. */
  async #seal(
    parent: { readonly hash: Bytes32; readonly stateRoot: Bytes32 },
    context: BlockContext,
    { transactions, receipts, dropped, deferred, gasUsed }: Included,
    requests: Bytes32,
    { root, changes, trieNodes, tries }: StateCommitment,
  ): Promise<ExecutedBlock> {
    await this.#turn(transactions);
    const blooms = receiptBlooms(receipts);
    const roots = {
      transactionsRoot: transactionsRoot(transactions),
      receiptsRoot: receiptsRoot(receipts, transactions, blooms),
    };
    await this.#turn(transactions);
    const header = sealHeader(
      {
        ...context,
        parentHash: parent.hash,
        stateRoot: root,
        ...roots,
        ...UNUSED_FIELDS,
        requestsHash: requests,
        logsBloom: combineBlooms(blooms),
        gasUsed,
      },
      transactions,
    );
    await this.#turn(transactions);
    return { header, transactions, receipts, dropped, deferred, changes, trieNodes, tries };
  }

  /** Lets waiting requests go first, where the block is so large that they would notice. */
  async #turn(transactions: readonly SignedTransaction[]): Promise<void> {
    if (transactions.length >= LARGE_BLOCK) await nextTurn();
  }
}

/** Header of block 0 on the first state. */
export function genesisHeader(
  { timestamp, gasLimit, baseFeePerGas, feeRecipient }: Genesis,
  stateRoot: Bytes32,
): BlockHeader {
  const context = { number: 0, timestamp, gasLimit, baseFeePerGas, feeRecipient, prevRandao: ZERO_HASH };
  const fields = {
    ...context,
    ...UNUSED_FIELDS,
    parentHash: ZERO_HASH,
    stateRoot,
    transactionsRoot: transactionsRoot([]),
    receiptsRoot: receiptsRoot([], []),
    requestsHash: requestsHash([]),
    logsBloom: combineBlooms([]),
    gasUsed: 0n,
  };
  return sealHeader(fields, []);
}

function nothingIncluded(): Included {
  return {
    transactions: [],
    receipts: [],
    dropped: [],
    deferred: [],
    gasUsed: 0n,
    sizeBytes: HEADER_ROOM_BYTES,
  };
}

/** Runs a transaction and says what became of it: included, dropped with a reason, or left for a later block. */
function include(
  session: BlockSession,
  transaction: SignedTransaction,
  out: Included,
): Promise<void> | undefined {
  const refusal = refusalOf(session, transaction);
  if (refusal === "early") {
    out.deferred.push(transaction);
    return undefined;
  }
  const result = refusal ?? run(session, transaction);
  if (!(result instanceof Promise)) {
    record(transaction, result, out);
    return undefined;
  }
  return result.then((done) => record(transaction, done, out));
}

function record(transaction: SignedTransaction, result: MessageResult | CodedError, out: Included): void {
  if (result instanceof CodedError) {
    out.dropped.push({ hash: transaction.hash, code: result.code, reason: result.message });
    return;
  }
  out.gasUsed += result.gasUsed;
  out.sizeBytes += transaction.raw.length + 4;
  out.transactions.push(transaction);
  out.receipts.push({
    succeeded: result.error === undefined,
    gasUsed: result.gasUsed,
    cumulativeGasUsed: out.gasUsed,
    contractAddress: result.created ?? null,
    logs: result.logs,
  });
}

type Outcome = MessageResult | CodedError;

function run(session: BlockSession, transaction: SignedTransaction): Outcome | Promise<Outcome> {
  try {
    const result = session.runSigned(transaction);
    return result instanceof Promise ? result.catch(refusedOrThrow) : result;
  } catch (error) {
    return refusedOrThrow(error);
  }
}

/** The engine's refusal, which drops one transaction; anything else ends the block. */
function refusedOrThrow(error: unknown): CodedError {
  if (error instanceof CodedError && error.code === REFUSED_BY_ENGINE) return error;
  throw error;
}

/** Why the rules leave the transaction out; `early` when an earlier nonce is still missing. */
function refusalOf(session: BlockSession, transaction: SignedTransaction): CodedError | "early" | undefined {
  const account = session.state.account(transaction.sender);
  const nonce = account?.nonce ?? 0n;
  const balance = account?.balance ?? 0n;
  const cost = maximumCost(transaction);
  if (transaction.nonce > nonce) return "early";
  if (transaction.nonce < nonce) return nonceTooLow(nonce, transaction.nonce);
  if (balance < cost) return insufficientFunds(balance, cost);
  const isContract =
    account !== undefined &&
    account.codeHash !== EMPTY_CODE_HASH &&
    !isDelegation(session.state.code(account.codeHash));
  return isContract ? senderNotExternallyOwned() : undefined;
}
