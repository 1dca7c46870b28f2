import { systemClock } from "@aios/service-kit/system-clock";
import { packTransactions, unpackTransactions } from "../adapters/rpc-thread/packed-transactions.js";
import type { NodeQuestions, PlainError } from "../adapters/rpc-thread/rpc-protocol.js";
import { RpcThread, type RpcThreadObserver } from "../adapters/rpc-thread/rpc-thread.js";
import { SharedHead } from "../adapters/rpc-thread/shared-head.js";
import { ChainView } from "../application/chain-view.js";
import { MempoolView } from "../application/mempool-view.js";
import { PendingBlock } from "../application/pending-block.js";
import { WhyPending } from "../application/why-pending.js";
import { heightOfTag } from "../domain/block-tag.js";
import { errorAcross } from "../domain/error-across.js";
import { networkRules } from "../domain/network-rules.js";
import type { NodeContext } from "./node-options.js";
import type { ChainParts, NodeProtocol } from "./node-protocol.js";
import type { RpcWorkerData } from "./rpc-worker.js";

export const CLIENT_VERSION = "aios-consensus/0.1.0";

const UNOBSERVED: RpcThreadObserver = {
  called: () => undefined,
  internalError: () => undefined,
  ended: () => undefined,
};

export interface NodeRpc {
  readonly chain: ChainView;
  readonly host: string;
  readonly port: number;
}

/** Serves JSON-RPC, in another thread. Throws what keeps it from listening: `EADDRINUSE` where the port is taken. */
export async function serveRpc(
  context: NodeContext,
  parts: ChainParts,
  protocol: NodeProtocol,
): Promise<NodeRpc> {
  const { options, resources } = context;
  const chain = chainView(context, parts, protocol);
  const thread = rpcThread(context, parts, protocol, chain);
  resources.defer(() => thread.stop());
  const port = await thread.start();
  return { chain, host: hostOf(options), port };
}

function hostOf({ host }: NodeContext["options"]): string {
  return host ?? "127.0.0.1";
}

function chainView(
  { genesis, settings, clock }: NodeContext,
  { storage: { blocks }, execution: { engine }, mempool, ordering, beacon }: ChainParts,
  protocol: NodeProtocol,
): ChainView {
  const pending = new PendingBlock(
    genesis,
    engine,
    blocks,
    mempool,
    ordering,
    beacon,
    clock,
    settings.maxPendingTransactions,
  );
  return new ChainView(genesis, blocks, pending, clock, networkRules(genesis), heightOfTag, (latest) =>
    protocol.finalizedAt(latest),
  );
}

function rpcThread(
  context: NodeContext,
  parts: ChainParts,
  protocol: NodeProtocol,
  chain: ChainView,
): RpcThread {
  const { genesis, options, settings, clock } = context;
  const { events } = parts;
  const head = new SharedHead();
  head.stored(chain.head().number, chain.finalizedHeight());
  const data: RpcWorkerData = {
    genesis,
    dataDir: options.dataDir,
    settings,
    clientVersion: CLIENT_VERSION,
    isHonorNode: protocol.honor !== undefined,
    hasOwnClock: clock !== systemClock,
    expectsCalls: options.expectsCalls !== false,
    isObserved: options.rpcObserver !== undefined,
  };
  const thread = new RpcThread({
    script: new URL("./rpc-worker.js", import.meta.url),
    workerData: data,
    host: hostOf(options),
    port: options.port,
    maxHeapMiB: settings.rpcHeapMiB,
    head,
    answers: answersOf(context, parts, protocol, chain),
    observer: options.rpcObserver ?? UNOBSERVED,
  });
  events.on("stored", ({ number }) => thread.stored(number, protocol.finalizedAt(number)));
  events.on("finalized", (height) => head.finalized(height));
  events.on("admitted", (transaction) => thread.admitted(transaction));
  if (options.leaving?.aborted === true) thread.leave();
  options.leaving?.addEventListener("abort", () => thread.leave(), { once: true });
  return thread;
}

/** What only this thread knows. */
function answersOf(
  { clock }: NodeContext,
  { storage: { blocks, states }, mempool }: ChainParts,
  { honor, evidence }: NodeProtocol,
  chain: ChainView,
): Partial<NodeQuestions> {
  const pool = new MempoolView(mempool, chain, states);
  const why = new WhyPending(chain, blocks, mempool, honor?.view);
  return {
    async admit(packed) {
      const outcomes = await mempool.admitAll(unpackTransactions(packed));
      const refusals: [number, PlainError][] = [];
      outcomes.forEach((refusal, index) => {
        if (refusal !== undefined) refusals.push([index, errorAcross(refusal)]);
      });
      return refusals;
    },
    async waiting(hash) {
      const transaction = await pool.get(hash);
      return packTransactions(transaction === undefined ? [] : [transaction]);
    },
    nextNonce: (sender) => pool.nextNonce(sender),
    counts: () => pool.counts(),
    async content(sender) {
      const { pending, queued } = await pool.content(sender);
      return { pending: packTransactions(pending), queued: packTransactions(queued) };
    },
    async pendingBlock() {
      const { header, transactions, receipts, changes } = await chain.pendingBlock();
      return { header, transactions, receipts, changes };
    },
    explain: (hash) => why.explain(hash),
    evidence: async () => evidence?.list() ?? [],
    now: async () => clock.now(),
    ...(honor === undefined ? {} : honorAnswers(honor.view)),
  };
}

function honorAnswers(view: NonNullable<NodeProtocol["honor"]>["view"]): Partial<NodeQuestions> {
  return {
    status: () => view.status(),
    dag: (fromTick, toTick) => view.dag(fromTick, toTick),
    decision: (height) => view.decision(height),
    honorSet: (number) => view.honorSet(number),
    handOvers: (fromSet, limit) => view.handOvers(fromSet, limit),
    place: (transaction) => view.place(transaction),
  };
}
