import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gasOfEthereumJs } from "./chain/contract-gas.js";
import { genesisFiles } from "./chain/genesis.js";
import { startHardhat } from "./chain/hardhat-peer.js";
import { type Loads, type Measurements, measure, measurePeer } from "./chain/measure.js";
import { startAnvil, startOwnNode } from "./chain/peers.js";
import { print } from "./chain/report.js";
import { balanceCall, type Kind, makeSenders, signLoad } from "./chain/workload.js";

const setting = (name: string, fallback: number): number => Number(process.env[name] ?? fallback);
const ACCOUNTS = setting("BENCH_ACCOUNTS", 20_000);
const SENDERS = setting("BENCH_SENDERS", 500);
/** Transactions of one measurement; 60 s of load at the goal are 1,200,000. */
const TRANSACTIONS = setting("BENCH_TRANSACTIONS", 20_000);
const WARM_UP = setting("BENCH_WARM_UP", 4_000);
/** `none` leaves the peers out, as for a run that is about memory and restart. */
const PEERS = process.env["BENCH_PEERS"] ?? "all";
const BATCH = 500;
const SMALL_BATCH = 50;
const BLOCK_GAS = 1_000_000_000;
const INTERVAL_MS = 200;
const KINDS: readonly Kind[] = ["native", "erc20", "swap", "mint"];

const senders = makeSenders(SENDERS);
const perSender = Math.max(1, Math.floor(TRANSACTIONS / SENDERS));
const warmPerSender = Math.max(1, Math.floor(WARM_UP / SENDERS));

/** Nonces of each kind follow those of the one before. */
function signAll(): Loads {
  const common = { accounts: ACCOUNTS, batch: BATCH };
  return {
    byKind: new Map(
      KINDS.map((kind, index) => {
        const firstNonce = index * (perSender + warmPerSender);
        return [
          kind,
          {
            warmUp: signLoad(senders, { ...common, kind, perSender: warmPerSender, firstNonce }),
            measured: signLoad(senders, {
              ...common,
              kind,
              perSender,
              firstNonce: firstNonce + warmPerSender,
            }),
          },
        ] as const;
      }),
    ),
    background: signLoad(senders, {
      ...common,
      kind: "native",
      batch: SMALL_BATCH,
      perSender: Math.max(1, Math.floor(perSender / 2)),
      firstNonce: KINDS.length * (perSender + warmPerSender),
    }),
    call: balanceCall(senders[0]?.address ?? ""),
  };
}

async function measureOwn(genesis: string, dataDir: string, loads: Loads) {
  const settings = { minIntervalMs: INTERVAL_MS };
  const startedAt = performance.now();
  const node = await startOwnNode(genesis, dataDir, settings);
  const startMs = performance.now() - startedAt;
  let own: Measurements;
  let memoryMiB: number | null;
  try {
    const profile = { start: () => node.startProfile(), end: () => node.mainThread() };
    own = await measure(node, loads, { profile, asksGas: true });
    memoryMiB = await node.residentMiB();
  } finally {
    await node.stop();
  }
  const restartedAt = performance.now();
  const again = await startOwnNode(genesis, dataDir, settings);
  const restartMs = performance.now() - restartedAt;
  await again.stop();
  return { own, memoryMiB, startMs, restartMs };
}

const directory = await mkdtemp(join(tmpdir(), "aios-bench-chain-"));
try {
  const files = genesisFiles(senders, ACCOUNTS, BLOCK_GAS);
  const ownGenesis = join(directory, "genesis.json");
  const gethGenesis = join(directory, "geth-genesis.json");
  const hardhatProject = join(directory, "hardhat");
  await mkdir(hardhatProject);
  await writeFile(ownGenesis, files.own);
  await writeFile(gethGenesis, files.geth);
  const loads = signAll();
  const measured = await measureOwn(ownGenesis, join(directory, "data"), loads);
  const withPeers = PEERS !== "none";
  const peers = {
    anvil: withPeers
      ? await measurePeer(() => startAnvil(gethGenesis, BLOCK_GAS, INTERVAL_MS), loads, { asksGas: true })
      : "left out",
    hardhat: withPeers
      ? // It keeps every instruction of a call, for its stack traces: a loop of millions would not end.
        await measurePeer(() => startHardhat(hardhatProject, senders, BLOCK_GAS, INTERVAL_MS), loads, {
          asksGas: false,
        })
      : "left out",
  };
  print({
    ...measured,
    peers,
    ethereumjs: withPeers ? await gasOfEthereumJs() : new Map(),
    note: `${ACCOUNTS} accounts, ${SENDERS} senders, ${perSender * SENDERS} transactions of a kind in batches of ${BATCH}; node, peer and load generator share the machine`,
  });
} finally {
  await rm(directory, { recursive: true, force: true });
}
