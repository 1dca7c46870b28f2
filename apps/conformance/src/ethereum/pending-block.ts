import {
  earlierFormOf,
  receiptsRoot,
  sealHeader,
  transactionsRoot,
} from "@aios/consensus/domain/block-codec";
import type { SessionOpener } from "@aios/consensus/domain/block-session";
import { combineBlooms } from "@aios/consensus/domain/bloom";
import type {
  BlockContext,
  BlockInput,
  ExecutedBlock,
  ExecutionEngine,
  StateStore,
} from "@aios/consensus/domain/ports";
import { EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import type { EthereumRules } from "./ethereum-rules.js";

/** The pending block of a node that produces none: empty, on top of the parent. */
export class EmptyPendingBlock implements Pick<ExecutionEngine, "executeBlock" | "executeGenesis"> {
  constructor(
    private readonly rules: EthereumRules,
    private readonly sessions: SessionOpener,
    private readonly states: StateStore,
  ) {}

  async executeBlock({ parent }: BlockInput): Promise<ExecutedBlock> {
    const excessBlobGas = this.rules.nextExcessBlobGas(parent, parent.timestamp);
    const context: BlockContext = {
      ...this.rules.contextOf(parent),
      number: parent.number + 1,
      timestamp: parent.timestamp,
      baseFeePerGas: this.rules.nextBaseFee(parent),
      blobBaseFeePerGas: this.rules.blobBaseFee(excessBlobGas, parent.timestamp),
    };
    return await this.sessions.open({ root: parent.stateRoot, overlays: [] }, context, async (session) => {
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
          ...earlierFormOf(this.rules.headerForm(context)),
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
