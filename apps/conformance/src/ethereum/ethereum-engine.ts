import { EngineLane } from "@aios/consensus/adapters/ethereumjs/engine-lane";
import { outcomeOf } from "@aios/consensus/adapters/ethereumjs/ethereumjs-engine";
import { EthereumJsSession } from "@aios/consensus/adapters/ethereumjs/ethereumjs-session";
import { ReplayBlocks } from "@aios/consensus/application/replay-blocks";
import { SimulateBlocks } from "@aios/consensus/application/simulate-blocks";
import type { Block, BlockHeader } from "@aios/consensus/domain/block";
import { receiptsRoot, sealHeader, transactionsRoot } from "@aios/consensus/domain/block-codec";
import type { BlockSession, SessionOpener } from "@aios/consensus/domain/block-session";
import { combineBlooms } from "@aios/consensus/domain/bloom";
import type {
  BlockContext,
  BlockInput,
  BlockStore,
  CallOutcome,
  CallRequest,
  ExecutedBlock,
  ExecutionEngine,
  StateReference,
  StateStore,
} from "@aios/consensus/domain/ports";
import type { SimulatedBlock, SimulationRequest } from "@aios/consensus/domain/simulation";
import { OverlayState, type StateView } from "@aios/consensus/domain/state";
import type { TraceJson, TraceOptions } from "@aios/consensus/domain/tracing/tracer";
import type { AccessListEntry } from "@aios/consensus/domain/transaction";
import { withState } from "@aios/consensus/domain/with-state";
import { EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import { type Common, createCommonFromGethGenesis } from "@ethereumjs/common";
import type { EthereumRules } from "./ethereum-rules.js";

const noSetup = (): never => {
  throw new Error("the trusted setup of KZG is not loaded");
};

/** The library wants one for every blob transaction; blocks hold no blobs, so that it is never asked. */
const NO_TRUSTED_SETUP = {
  blobToKzgCommitment: noSetup,
  computeBlobProof: noSetup,
  verifyProof: noSetup,
  verifyBlobProofBatch: noSetup,
  computeCells: noSetup,
  computeCellsAndProofs: noSetup,
  recoverCellsAndProofs: noSetup,
  verifyCellKzgProofBatch: noSetup,
};

/** The product's sessions, replays and simulations under Ethereum's fork schedule. */
export class EthereumEngine implements ExecutionEngine, SessionOpener {
  readonly #replay: ReplayBlocks;
  readonly #simulation: SimulateBlocks;

  private constructor(
    private readonly rules: EthereumRules,
    private readonly states: StateStore,
    private readonly common: Common,
    private readonly lane: EngineLane,
  ) {
    this.#replay = new ReplayBlocks(rules, this);
    this.#simulation = new SimulateBlocks(rules, this, states);
  }

  static async create(
    genesisJson: unknown,
    rules: EthereumRules,
    states: StateStore,
    blocks: Pick<BlockStore, "header">,
  ): Promise<EthereumEngine> {
    const common = createCommonFromGethGenesis(
      genesisJson as Parameters<typeof createCommonFromGethGenesis>[0],
      { chain: "vectors", customCrypto: { kzg: NO_TRUSTED_SETUP } },
    );
    return new EthereumEngine(rules, states, common, await EngineLane.create(common, blocks));
  }

  async open<T>(
    reference: StateReference,
    context: BlockContext,
    use: (session: BlockSession) => Promise<T>,
  ): Promise<T> {
    return await withState(this.states, reference.root, (committed) => {
      const view = reference.overlays.reduce<StateView>(
        (base, changes) => new OverlayState(base, changes),
        committed,
      );
      return this.lane.run(view, async (lane) => {
        this.common.setHardforkBy({ blockNumber: context.number, timestamp: context.timestamp });
        using session = new EthereumJsSession(lane, this.rules.chainId, context);
        return await use(session);
      });
    });
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

  /** The pending block of a node that produces none: empty, on top of the parent. */
  async executeBlock({ parent }: BlockInput): Promise<ExecutedBlock> {
    const excessBlobGas = this.rules.nextExcessBlobGas(parent, parent.timestamp);
    const context: BlockContext = {
      ...this.rules.contextOf(parent),
      number: parent.number + 1,
      timestamp: parent.timestamp,
      baseFeePerGas: this.rules.nextBaseFee(parent),
      blobBaseFeePerGas: this.rules.blobBaseFee(excessBlobGas, parent.timestamp),
    };
    return await this.open({ root: parent.stateRoot, overlays: [] }, context, async (session) => {
      await session.begin(parent.hash);
      const requestsHash = await session.finish();
      const commitment = this.states.commitment(parent.stateRoot, session.changes());
      const header = sealHeader(
        {
          ...context,
          parentHash: parent.hash,
          stateRoot: commitment.root,
          transactionsRoot: transactionsRoot([]),
          receiptsRoot: receiptsRoot([], []),
          withdrawalsRoot: EMPTY_TRIE_ROOT,
          requestsHash,
          parentBeaconBlockRoot: parent.parentBeaconBlockRoot,
          logsBloom: combineBlooms([]),
          extraData: new Uint8Array(0),
          gasUsed: 0n,
          blobGasUsed: 0n,
          excessBlobGas,
        },
        [],
      );
      return { header, transactions: [], receipts: [], dropped: [], deferred: [], ...commitment };
    });
  }

  executeGenesis(): Promise<ExecutedBlock> {
    return Promise.reject(new Error("An imported chain has its genesis already."));
  }
}
