import { keccak256 } from "@aios/core-keccak/keccak";
import { toHex } from "@aios/core-rlp/hex";
import { encodeRlp } from "@aios/core-rlp/rlp";
import type { Bytes32 } from "@aios/kernel/identifiers";
import { MerklePatriciaTrie as PeerTrie } from "@ethereumjs/mpt";
import { EMPTY_TRIE_ROOT } from "../src/empty-hashes.js";
import { MerklePatriciaTrie } from "../src/merkle-patricia-trie.js";
import { NewNodes } from "../src/new-nodes.js";

const ACCOUNTS = Number(process.env["BENCH_ACCOUNTS"] ?? 100_000);
const PEER_MAX_ACCOUNTS = 100_000;
const CHANGED = 10_000;
const ROUNDS = 5;
const CODE_HASH = keccak256(new Uint8Array(0));
const STORAGE_ROOT = keccak256(Uint8Array.of(0x80));

function keyOf(index: number): Uint8Array {
  const address = new Uint8Array(20);
  new DataView(address.buffer).setUint32(0, index);
  return keccak256(address);
}

function accountOf(round: number, index: number): Uint8Array {
  const balance = Uint8Array.of(1, round, (index >> 16) & 255, (index >> 8) & 255, index & 255, 7, 7, 7, 7);
  return encodeRlp([Uint8Array.of(round + 1), balance, STORAGE_ROOT, CODE_HASH]);
}

/** Different accounts in every round, spread over all. */
const changedIn = (round: number): number[] =>
  Array.from({ length: CHANGED }, (_, i) => (i * 7_919 + round * 104_729) % ACCOUNTS);

/** Processor time of all threads, garbage collection included: other processes on the machine do not add to it. */
function processorMs(startedAt: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(startedAt);
  return (user + system) / 1_000;
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

function committed(trie: MerklePatriciaTrie, nodes: NewNodes): Bytes32 {
  const steps = trie.commitSteps(nodes);
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}

function measureOwn(warm: boolean): { readonly ms: number; readonly root: string } {
  const nodes = new Map<string, Uint8Array>();
  const keep = (hash: Uint8Array, rlp: Uint8Array): void => void nodes.set(toHex(hash), rlp);
  const load = (hash: Uint8Array): Uint8Array | undefined => nodes.get(toHex(hash));
  let trie = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, load);
  for (let i = 0; i < ACCOUNTS; i++) trie.put(keyOf(i), accountOf(0, i));
  let root = trie.commit(keep);
  const times: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    // As a block does it: the new nodes are collected now and stored with the block.
    const fresh = new NewNodes();
    const changes = changedIn(round).map((i) => [keyOf(i), accountOf(round, i)] as const);
    if (!warm) trie = new MerklePatriciaTrie(root, load);
    const startedAt = process.cpuUsage();
    for (const [key, value] of changes) trie.put(key, value);
    root = committed(trie, fresh);
    times.push(processorMs(startedAt));
    for (const { reference, bytes } of fresh) keep(reference, bytes.slice());
  }
  return { ms: median(times), root };
}

async function measurePeer(): Promise<{ readonly ms: number; readonly root: string }> {
  const trie = new PeerTrie();
  for (let i = 0; i < ACCOUNTS; i++) await trie.put(keyOf(i), accountOf(0, i));
  const times: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const changes = changedIn(round).map((i) => [keyOf(i), accountOf(round, i)] as const);
    const startedAt = process.cpuUsage();
    for (const [key, value] of changes) await trie.put(key, value);
    times.push(processorMs(startedAt));
  }
  return { ms: median(times), root: toHex(trie.root()) };
}

const warm = measureOwn(true);
const cold = measureOwn(false);
// The peer takes minutes to fill a million accounts.
const peer = ACCOUNTS > PEER_MAX_ACCOUNTS ? undefined : await measurePeer();
if (warm.root !== cold.root || (peer !== undefined && peer.root !== warm.root))
  throw new Error("the roots differ");

const figure = (name: string, value: number) => ({
  suite: "trie",
  name,
  value,
  unit: "ms",
  goal: 120,
  better: "lower",
  peer: "@ethereumjs/mpt",
  ...(peer === undefined ? {} : { peerValue: peer.ms }),
  note: `${ACCOUNTS} accounts, nodes in memory on both sides, processor time, median of ${ROUNDS}`,
});
const figures = [
  figure("root of 10 K changed accounts, upper levels in memory", warm.ms),
  figure("root of 10 K changed accounts, every node loaded anew", cold.ms),
];
if (process.argv.includes("--json")) for (const line of figures) console.log(JSON.stringify(line));
else {
  console.table(
    figures.map(({ name, value, unit, goal, peerValue }) => ({
      name,
      value: Math.round(value),
      unit,
      goal,
      "@ethereumjs/mpt": peerValue === undefined ? "not run" : Math.round(peerValue),
    })),
  );
  console.log(figures[0]?.note);
}
