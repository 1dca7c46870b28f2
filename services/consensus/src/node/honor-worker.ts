import { parentPort, workerData } from "node:worker_threads";
import { fastestBls } from "@aios/bls/fastest-bls";
import { stakeElection } from "@aios/core-committee/election";
import type { OrderedTransaction } from "@aios/core-honor-node/dag-block";
import type { ChainSettings, NodeSettings } from "@aios/core-honor-node/node-settings";
import { dagOrder } from "@aios/core-honor-node/ordering-policy";
import { encodePacket } from "@aios/core-honor-node/packet-codec";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import type { Address } from "@aios/kernel/identifiers";
import { durationMs } from "@aios/kernel/units";
import { isSignedByNode, nodeIdentity } from "@aios/peer-network/node-certificate";
import { PeerNetwork } from "@aios/peer-network/peer-network";
import { systemClock } from "@aios/service-kit/system-clock";
import type {
  FromHonorThread,
  HonorAnswers,
  HonorQuestion,
  ToHonorThread,
} from "../adapters/honor-thread/honor-protocol.js";
import { packTransactions, unpackTransactions } from "../adapters/honor-thread/packed-transactions.js";
import { SeatKeyring } from "../adapters/honor-thread/seat-keyring.js";
import { LmdbHonorLog } from "../adapters/lmdb/lmdb-honor-log.js";
import { SnapshotDirectory } from "../adapters/lmdb/snapshot/snapshot-directory.js";
import { SnapshotServer } from "../adapters/lmdb/snapshot/snapshot-server.js";
import { recoverPublicKey } from "../adapters/secp256k1/recover-public-key.js";
import { RecoveryPool } from "../adapters/secp256k1/recovery-pool.js";
import { CandidateContacts } from "../application/honor/candidate-contacts.js";
import { dagSummary } from "../application/honor/dag-summary.js";
import { FaultCounter } from "../application/honor/fault-counter.js";
import { HonorLoop } from "../application/honor/honor-loop.js";
import { KnownTransactions } from "../application/honor/known-transactions.js";
import { AdmissionReader } from "../application/honor/ordered-transaction.js";
import { PacketIntake } from "../application/honor/packet-intake.js";
import type { Genesis } from "../domain/genesis.js";
import { nodeKeyStatement } from "../domain/staking-binding.js";
import type { StakedNode } from "../domain/staking-state.js";
import { AdmissionCodec } from "../domain/transaction-codec.js";
import type { HonorOptions, HonorSettings } from "./honor-options.js";
import { peerNetworkSettings } from "./peer-network-settings.js";

export interface HonorWorkerData {
  readonly genesis: Pick<Genesis, "chainId" | "hardfork">;
  readonly chain: ChainSettings;
  /** Where candidates stand; absent: the set stays. */
  readonly stakingContract: Address | undefined;
  readonly dataDir: string;
  readonly executedHeight: number;
  readonly maxTransactionBytes: number;
  readonly honor: Omit<HonorOptions, "settings" | "operatorSecret">;
  readonly settings: HonorSettings;
}

const data = workerData as HonorWorkerData;
const { settings, honor, chain } = data;
/** Peers that the staking contract names; as many as the network has scores for. */
const MAX_MET = 1_024;
/** Candidates change where they are found, in the book of this node, no more often. */
const CONTACT_COOLDOWN_MS = 60_000;
/** From a height to its snapshot, with some to spare. */
const UNPRUNED_HEIGHTS = 16;
const TELL_MS = 1_000;
/** Transactions whose senders are remembered, and their bytes. */
const KNOWN = { count: 65_536, bytes: 67_108_864 };
const RECOVERY = { workers: 1, maxQueued: 32_768, batchSize: 128 };

function post(message: FromHonorThread, given: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, given);
}

function gossiped(read: readonly OrderedTransaction[]): void {
  const transactions = packTransactions(read);
  post({ kind: "gossiped", transactions }, [transactions.buffer]);
}

const { signatures } = await fastestBls();
function nodeSettings(): NodeSettings {
  const { proposeMs, prevoteMs, precommitMs, backOffMs } = settings;
  return {
    chain,
    keys: new SeatKeyring(signatures, honor.blsSecretKey, honor.seatKeyDirectory),
    scheme: signatures,
    election: stakeElection,
    ordering: dagOrder,
    timeouts: { proposeMs, prevoteMs, precommitMs, backOffMs },
    checkpointIntervalMs: settings.checkpointIntervalMs,
    emptyAfterMs: settings.emptyAfterMs,
    gossipMs: settings.gossipMs,
    clockToleranceMs: settings.clockToleranceMs,
    maxTransactionsPerBlock: settings.maxTransactionsPerBlock,
    poolCapacity: settings.poolCapacity,
    maxWaitingBlocks: settings.maxWaitingBlocks,
    maxWaitingBytes: settings.maxWaitingBytes,
    maxRoundsAhead: 20,
    maxHeldBytes: settings.maxHeldBytes,
    unprunedHeights: UNPRUNED_HEIGHTS,
    history: log,
    read: {
      find: (shortId) => known.find(shortId),
      isUnderway: (block) => intake.isUnderway(block),
    },
  };
}

const identity = nodeIdentity(honor.nodeKeyPem);
const recovery = new RecoveryPool(recoverPublicKey, {
  script: new URL("./recovery-worker.js", import.meta.url),
  ...RECOVERY,
});
const log = new LmdbHonorLog(data.dataDir, chain.chainId, { archive: honor.archive });
const snapshots = new SnapshotServer(new SnapshotDirectory(data.dataDir));
const untold = new Map<string, number>();
const known = new KnownTransactions(KNOWN.count, KNOWN.bytes);
const faults = new FaultCounter((peer, points) => network.punish(peer, points), tell);
const network = new PeerNetwork(
  peerNetworkSettings(identity, honor, settings),
  systemClock,
  (peer, frame) => intake.receive(peer, frame),
  (_, fault) => faults.count(fault),
);
const loop = new HonorLoop({
  settings: nodeSettings(),
  log,
  streams: network,
  faults,
  clock: systemClock,
  executedHeight: data.executedHeight,
  host: {
    execute: ({ transactions: ordered, ...checkpoint }) => {
      const transactions = packTransactions(ordered);
      post({ kind: "execute", checkpoint, transactions }, [transactions.buffer]);
    },
    gossiped,
    decided: (height) => post({ kind: "decided", height }),
    rejected: (ids) => post({ kind: "rejected", ids }),
    offence: (offence) => post({ kind: "offence", offence }),
    refused: (counts) => post({ kind: "refused", counts }),
    logFailed: (error, attempt) => post({ kind: "log-failed", message: String(error), attempt }),
    failed,
  },
});
const intake = new PacketIntake(
  new AdmissionReader(new AdmissionCodec(data.genesis, recoverPublicKey, recovery), data.maxTransactionBytes),
  known,
  {
    deliver: (from, packet) => loop.receive(from, packet),
    gossiped,
    heard: (shortIds) => loop.heard(shortIds),
    holds: (block) => loop.holds(block),
    isPooled: (id) => loop.placeOf(id) !== undefined,
    snapshot: (from, packet) => {
      const answer = snapshots.answer(packet);
      if (answer !== undefined) network.send(from, encodePacket(answer));
    },
  },
  faults,
  systemClock,
  {
    packetsPerSecond: settings.packetsPerSecond,
    maxWaitingBytes: 2 * settings.maxFrameBytes,
    maxBlockBytes: chain.maxBlockBytes,
  },
);

const contacts = new CandidateContacts(
  {
    add: (peer) => network.add(peer),
    remove: (peer) => {
      network.remove(peer);
      intake.forget(peer);
    },
  },
  new Set([identity.publicKey, ...honor.peers.map(({ publicKey }) => publicKey)]),
  { maxContacts: MAX_MET, cooldownMs: CONTACT_COOLDOWN_MS },
  isProven,
);

/** Counts are told together, however many packets are refused. */
function tell(name: string): void {
  if (untold.size === 0)
    void systemClock.wait(durationMs(TELL_MS)).then(() => {
      post({ kind: "refused", counts: new Map(untold) });
      untold.clear();
    });
  untold.set(name, (untold.get(name) ?? 0) + 1);
}

/** Whether a candidate's node key named its account, on this chain: else anybody could say where another's node is. */
function isProven({ account, nodeKey, nodeKeySignature }: StakedNode): boolean {
  const { stakingContract: contract, genesis } = data;
  if (contract === undefined) return false;
  const statement = nodeKeyStatement({
    account: account as Address,
    chainId: BigInt(genesis.chainId),
    contract,
  });
  return isSignedByNode(nodeKey, statement, Buffer.from(nodeKeySignature, "hex"));
}

function failed(error: unknown): void {
  const { code, kind, message, details } = isCodedError(error)
    ? error
    : new CodedError({ code: "honor-node-failed", kind: "internal", message: String(error) });
  post({ kind: "failed", error: { code, kind, message, details } });
  // What is over says nothing to peers any more.
  void network.stop();
}

function answer(question: HonorQuestion): HonorAnswers[HonorQuestion["kind"]] {
  switch (question.kind) {
    case "status":
      return {
        chainId: chain.chainId,
        time: chain.time,
        height: loop.height,
        tick: loop.tick,
        seat: loop.seat,
        peers: network.connected,
        nodeKey: identity.publicKey,
        tips: loop.tips,
        orderDelays: loop.orderDelays,
        droppedPackets: faults.counts,
        peerScores: network.scores,
        traffic: network.counters,
        held: loop.sizes,
        log: log.sizes,
      };
    case "dag":
      return dagSummary(loop, question.fromTick, question.toTick);
    case "decision":
      return loop.decision(question.height);
    case "honor-set":
      return loop.honorSet(question.number);
    case "hand-overs":
      return loop.handOvers(question.fromSet, question.limit);
    case "place":
      return loop.placeOf(question.transaction);
    case "snapshot":
      return loop.snapshot(question.height);
  }
}

async function stop(): Promise<void> {
  loop.stop();
  await network.stop();
  await recovery.close();
  await log.close();
  post({ kind: "stopped" });
}

parentPort?.on("message", (message: ToHonorThread) => {
  switch (message.kind) {
    case "pooled": {
      // Else copies: each stays for as long as it waits, and the others of its message do not have to.
      const transactions = unpackTransactions(message.transactions).map(
        (one) => known.get(one.id) ?? { ...one, payload: one.payload.slice() },
      );
      intake.remember(transactions);
      loop.pooled(transactions, message.isOwn);
      return;
    }
    case "dropped":
      loop.dropped(message.ids);
      return;
    case "executed":
      loop.executed(message.height, message.result);
      contacts.update(message.result.candidates, systemClock.now());
      return;
    case "ask":
      post({ kind: "answer", number: message.number, answer: answer(message.question) });
      return;
    case "stop":
      void stop();
  }
});

const port = await network.start();
for (const peer of honor.peers) network.add(peer);
try {
  loop.start();
  post({ kind: "ready", port });
} catch (error) {
  failed(error);
}
