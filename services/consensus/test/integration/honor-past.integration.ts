import { ChainDatabase } from "@aios/consensus/adapters/lmdb/chain-database";
import { LmdbBlockStore } from "@aios/consensus/adapters/lmdb/lmdb-block-store";
import { LmdbMempoolJournal } from "@aios/consensus/adapters/lmdb/lmdb-mempool-journal";
import { LmdbStateStore } from "@aios/consensus/adapters/lmdb/lmdb-state-store";
import { TrieSweep } from "@aios/consensus/adapters/lmdb/trie-sweep";
import { OpenTransactions } from "@aios/consensus/adapters/plain/open-transactions";
import { ParentHashBeacon } from "@aios/consensus/adapters/plain/parent-hash-beacon";
import { recoverPublicKey } from "@aios/consensus/adapters/secp256k1/recover-public-key";
import { ChainEvents } from "@aios/consensus/application/chain-events";
import { HonorProducer, type HonorProtocol } from "@aios/consensus/application/honor/honor-producer";
import { orderedOf, signedOf } from "@aios/consensus/application/honor/ordered-transaction";
import { Mempool } from "@aios/consensus/application/mempool";
import type { ExecutedBlock } from "@aios/consensus/domain/ports";
import type { SignedTransaction } from "@aios/consensus/domain/transaction";
import { defaultNodeSettings } from "@aios/consensus/node/node-settings";
import { openEngine } from "@aios/consensus/node/open-engine";
import { systemClock } from "@aios/service-kit/system-clock";
import { eventually } from "@aios/testkit/eventually";
import { temporaryDirectory } from "@aios/testkit/temporary-directory";
import { afterEach, expect, it } from "vitest";
import { sampleCodec, sampleTransfer } from "../support/sample-blocks.js";
import { testGenesis } from "../support/test-chain.js";

const KEPT_BLOCKS = 2;

/** A node with stores and engine of its own, to which checkpoints are given as the protocol would. */
async function openNode(keptBlocks: number | undefined) {
  const directory = temporaryDirectory("honor-past");
  const genesis = testGenesis();
  const database = new ChainDatabase(directory.path);
  const states = new LmdbStateStore(database);
  const sweep = new TrieSweep(database, systemClock);
  const failures: unknown[] = [];
  const onFailure = (error: unknown): void => void failures.push(error);
  const pruning = keptBlocks === undefined ? undefined : { keptBlocks, sweep, onFailure };
  const blocks = new LmdbBlockStore(database, sampleCodec, pruning);
  const engine = await openEngine("evm", {
    genesis,
    states,
    blocks,
    recover: recoverPublicKey,
    settings: { ...defaultNodeSettings, maxBlockExecutionMs: Number.POSITIVE_INFINITY },
    now: () => performance.now(),
  });
  await blocks.append(await engine.executeGenesis());
  const events = new ChainEvents(onFailure);
  const journal = new LmdbMempoolJournal(database);
  const made: ExecutedBlock[] = [];
  const protocol: HonorProtocol = {
    ready: async () => 1,
    pooled: () => undefined,
    dropped: () => undefined,
    executed: () => undefined,
    stop: async () => undefined,
  };
  const producer = new HonorProducer({
    genesis,
    engine,
    blocks,
    states,
    mempool: new Mempool(
      genesis,
      sampleCodec,
      blocks,
      states,
      journal,
      events,
      systemClock,
      defaultNodeSettings,
    ),
    events,
    clock: systemClock,
    observer: {
      produced: (block) => void made.push(block),
      failed: onFailure,
      offence: () => undefined,
      refused: () => undefined,
    },
    signedOf: (transaction) => signedOf(sampleCodec, transaction),
    opener: new OpenTransactions(sampleCodec, () => undefined),
    beacon: new ParentHashBeacon(),
    candidates: { at: () => [] },
    open: () => protocol,
  });
  await producer.start();
  return {
    blocks,
    database,
    /** Executes the next height. */
    async order(transactions: readonly SignedTransaction[]): Promise<ExecutedBlock> {
      const height = made.length + 1;
      producer.execute({ height, timestamp: 0, transactions: transactions.map(orderedOf) });
      await eventually(() => expect([made.length, failures]).toEqual([height, []]));
      return made[height - 1] as ExecutedBlock;
    },
    async close() {
      await producer.stop();
      await sweep.stop();
      await database.close();
      directory.remove();
    },
  };
}

const opened: Awaited<ReturnType<typeof openNode>>[] = [];
afterEach(async () => {
  for (const node of opened.splice(0)) await node.close();
});

it("nodes that know more or less of the past execute the same, whatever is ordered again", async () => {
  const archive = await openNode(undefined);
  const pruned = await openNode(KEPT_BLOCKS);
  const synced = await openNode(undefined);
  opened.push(archive, pruned, synced);
  const own = await Promise.all([0, 1, 2, 3, 4, 5].map((nonce) => sampleTransfer(nonce)));
  const other = await sampleTransfer(0, 1);
  const order = async (transactions: readonly SignedTransaction[]) => {
    const made: ExecutedBlock[] = [];
    for (const node of [archive, pruned, synced]) made.push(await node.order(transactions));
    return made;
  };
  await order(own.slice(0, 4));
  for (let height = 0; height < 2 * KEPT_BLOCKS; height++) await order([]);
  // What a snapshot brings: states, and nothing of where earlier transactions are.
  synced.database.places.clearSync();
  const [, , , used, next] = own as [
    SignedTransaction,
    SignedTransaction,
    SignedTransaction,
    SignedTransaction,
    SignedTransaction,
  ];
  expect([archive, pruned, synced].map(({ blocks }) => blocks.placeOf(used.hash) !== undefined)).toEqual([
    true,
    false,
    false,
  ]);
  const made = await order([next, other, used]);
  for (const { header, transactions } of made) {
    expect(transactions.map(({ hash }) => hash)).toEqual([next.hash, other.hash]);
    expect(header.hash).toBe(made[0]?.header.hash);
  }
  // Only who does not know that it is in a block takes it for dropped.
  expect(made.map(({ dropped }) => dropped.map(({ hash }) => hash))).toEqual([[], [used.hash], [used.hash]]);
  // A copy of the same checkpoint counts once, and one that comes before its time keeps its place in nonce order.
  const last = await order([next, own[5] as SignedTransaction, own[5] as SignedTransaction]);
  for (const { transactions } of last) expect(transactions.map(({ hash }) => hash)).toEqual([own[5]?.hash]);
});
