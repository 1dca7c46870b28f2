import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChainDatabase } from "@aios/consensus/adapters/lmdb/chain-database";
import { LmdbBlockStore } from "@aios/consensus/adapters/lmdb/lmdb-block-store";
import { LmdbEvidenceStore } from "@aios/consensus/adapters/lmdb/lmdb-evidence-store";
import { LmdbMempoolJournal } from "@aios/consensus/adapters/lmdb/lmdb-mempool-journal";
import { LmdbStateStore } from "@aios/consensus/adapters/lmdb/lmdb-state-store";
import { HonorProducer } from "@aios/consensus/application/honor/honor-producer";
import { SingleProducer } from "@aios/consensus/application/single-producer";
import { readHonorHome } from "@aios/consensus/honor-home";
import { type ConsensusNode, startNode } from "@aios/consensus/start-node";
import { makeHonorNetwork } from "@aios/consensus/testnet/honor-network";
import { freePort } from "@aios/service-kit/free-port";
import { eventually } from "@aios/testkit/eventually";
import { StartedThreads } from "@aios/testkit/started-threads";
import { expect } from "vitest";
import { blockStoreConformance } from "../conformance/block-store.conformance.js";
import { checkpointProducerConformance } from "../conformance/checkpoint-producer.conformance.js";
import { evidenceStoreConformance } from "../conformance/evidence-store.conformance.js";
import {
  type FoundingStoreUnderTest,
  foundingStoreConformance,
} from "../conformance/founding-store.conformance.js";
import { mempoolJournalConformance } from "../conformance/mempool-journal.conformance.js";
import { stateStoreConformance } from "../conformance/state-store.conformance.js";
import { transactionCodecConformance } from "../conformance/transaction-codec.conformance.js";
import { sampleBlock, sampleCodec } from "../support/sample-blocks.js";
import { rpc, testGenesis, testGenesisJson, wallets } from "../support/test-chain.js";

const SEATS = 4;
const TO = `0x${"46".repeat(20)}`;

interface Disk {
  readonly database: ChainDatabase;
  /** What a power loss at this moment leaves of a database, the first one unless another is given. */
  crash(of?: ChainDatabase): Promise<ChainDatabase>;
  close(): Promise<void>;
}

/** One LMDB environment, and others on copies of its files. */
async function openDisk(): Promise<Disk> {
  const root = await mkdtemp(join(tmpdir(), "aios-stores-"));
  const directories = new Map<ChainDatabase, string>();
  const open = (directory: string): ChainDatabase => {
    const database = new ChainDatabase(directory);
    directories.set(database, directory);
    return database;
  };
  const database = open(join(root, "first"));
  return {
    database,
    async crash(of = database) {
      const copy = join(root, `after-${directories.size}`);
      await cp(directories.get(of) as string, copy, { recursive: true });
      return open(copy);
    },
    async close() {
      for (const each of directories.keys()) await each.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

blockStoreConformance("LmdbBlockStore", async () => {
  const disk = await openDisk();
  return {
    blocks: new LmdbBlockStore(disk.database, sampleCodec),
    crash: async () => new LmdbBlockStore(await disk.crash(), sampleCodec),
    close: () => disk.close(),
  };
});

stateStoreConformance("LmdbStateStore", async () => {
  const disk = await openDisk();
  const states = new LmdbStateStore(disk.database);
  const blocks = new LmdbBlockStore(disk.database, sampleCodec);
  return {
    states,
    async commit(parentRoot, changes) {
      const { root, ...kept } = states.commitment(parentRoot, changes);
      await blocks.append(sampleBlock(blocks.head(), { stateRoot: root, ...kept }));
      return root;
    },
    crash: async () => new LmdbStateStore(await disk.crash()),
    close: () => disk.close(),
  };
});

evidenceStoreConformance("LmdbEvidenceStore", async () => {
  const disk = await openDisk();
  return {
    store: new LmdbEvidenceStore(disk.database),
    crash: async () => new LmdbEvidenceStore(await disk.crash()),
    close: () => disk.close(),
  };
});

foundingStoreConformance("LmdbStateStore", async () => {
  const disk = await openDisk();
  return foundingOn(disk);
});

function foundingOn(disk: Disk): FoundingStoreUnderTest {
  const blocks = new LmdbBlockStore(disk.database, sampleCodec);
  return {
    states: new LmdbStateStore(disk.database),
    begin: (stateRoot) => blocks.append(sampleBlock(undefined, { stateRoot })),
    crash: async () => foundingOn({ ...disk, database: await disk.crash(disk.database) }),
    close: () => disk.close(),
  };
}

mempoolJournalConformance("LmdbMempoolJournal", async () => {
  const disk = await openDisk();
  return {
    journal: new LmdbMempoolJournal(disk.database),
    crash: async () => new LmdbMempoolJournal(await disk.crash()),
    close: () => disk.close(),
  };
});

transactionCodecConformance(
  "AdmissionCodec",
  testGenesis().chainId,
  sampleCodec,
  "sealed-transaction-not-admitted",
);

/** Transfers of one account over a node's own RPC. */
function sender(node: () => ConsensusNode) {
  let nonce = 0;
  return {
    async send(): Promise<string> {
      const raw = await wallets[0]?.signTransaction({
        type: 2,
        chainId: testGenesis().chainId,
        nonce: nonce++,
        to: TO,
        value: 1n,
        gasLimit: 21_000n,
        maxFeePerGas: 10n ** 10n,
        maxPriorityFeePerGas: 1n,
      });
      const hash = String((await rpc(node().url, "eth_sendRawTransaction", [raw])).result);
      expect(hash).toMatch(/^0x[0-9a-f]{64}$/);
      return hash;
    },
    async heightOf(hash: string): Promise<number | undefined> {
      const { result } = await rpc(node().url, "eth_getTransactionReceipt", [hash]);
      const { blockNumber } = (result ?? {}) as { blockNumber?: string };
      return blockNumber === undefined ? undefined : Number(blockNumber);
    },
  };
}

checkpointProducerConformance("SingleProducer", async () => {
  const root = await mkdtemp(join(tmpdir(), "aios-producer-"));
  let dataDir = join(root, "first");
  const start = (): Promise<ConsensusNode> =>
    startNode({ genesis: testGenesis(), dataDir, port: 0, settings: { minIntervalMs: 20 } });
  let node = await start();
  expect(node.producer).toBeInstanceOf(SingleProducer);
  return {
    producer: () => node.producer,
    ...sender(() => node),
    async restart() {
      await node.stop();
      node = await start();
    },
    async crash() {
      const left = join(root, "after-crash");
      await cp(dataDir, left, { recursive: true });
      await node.stop();
      dataDir = left;
      node = await start();
    },
    async close() {
      await node.stop();
      await rm(root, { recursive: true, force: true });
    },
  };
});

checkpointProducerConformance("HonorProducer, one of four", async () => {
  const directory = await mkdtemp(join(tmpdir(), "aios-honor-producer-"));
  const places = await Promise.all(
    Array.from({ length: SEATS }, async () => ({ rpcPort: await freePort(), peerPort: await freePort() })),
  );
  const homes = await makeHonorNetwork({
    directory,
    seats: SEATS,
    places,
    genesis: testGenesisJson(),
    genesisTimeMs: Date.now(),
    tickMs: 600,
    maxDelayMs: 100,
    k: 10,
  });
  const start = async (home: string): Promise<ConsensusNode> => {
    const { genesis, dataDir, rpcListen, honor } = await readHonorHome(home);
    return startNode({ genesis, dataDir, ...rpcListen, honor });
  };
  const nodes = await Promise.all(homes.map(start));
  const first = (): ConsensusNode => {
    const [node] = nodes;
    if (node === undefined) throw new TypeError("there is no node");
    return node;
  };
  expect(first().producer).toBeInstanceOf(HonorProducer);
  const restart = async (): Promise<void> => {
    await first().stop();
    nodes[0] = await start(homes[0] ?? "");
  };
  return {
    producer: () => first().producer,
    ...sender(first),
    restart,
    /** What a producer of this kind works with is the thread of the protocol; its node says so and has to be started again. */
    async crash() {
      using threads = new StartedThreads();
      await restart();
      expect(await threads.crash()).toBeGreaterThan(0);
      await eventually(() => expect(first().producer.failures).toBe(Number.POSITIVE_INFINITY));
      await restart();
    },
    async close() {
      for (const node of nodes) await node.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
});
