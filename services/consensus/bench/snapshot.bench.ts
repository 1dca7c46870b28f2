import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChainDatabase } from "@aios/consensus/adapters/lmdb/chain-database";
import { LmdbStateStore } from "@aios/consensus/adapters/lmdb/lmdb-state-store";
import { exportState } from "@aios/consensus/adapters/lmdb/snapshot/export-state";
import { StateImport } from "@aios/consensus/adapters/lmdb/snapshot/import-state";
import { SnapshotDirectory } from "@aios/consensus/adapters/lmdb/snapshot/snapshot-directory";
import type { GenesisAccount } from "@aios/consensus/domain/genesis";
import { decodeIndex } from "@aios/consensus/domain/snapshot-index";
import { addressOf } from "@aios/core-rlp/hex";
import type { Address } from "@aios/kernel/identifiers";

// What a snapshot of a large state costs the node that makes it and the one that begins with it: the state's part of it, from
// disk. Certificates and the DAG beside it are some megabytes, whatever the state.
const SUITE = "snapshot";
const ACCOUNTS = Number(process.env["BENCH_ACCOUNTS"] ?? 1_000_000);
const json = process.argv.includes("--json");
const NO_BYTES = new Uint8Array(0);

function* allocation(): Iterable<readonly [Address, GenesisAccount]> {
  for (let index = 0; index < ACCOUNTS; index++) {
    const owner = createHash("sha256").update(String(index)).digest().subarray(0, 20);
    yield [
      addressOf(owner),
      { nonce: 0n, balance: 10n ** 18n + BigInt(index), code: NO_BYTES, storage: new Map() },
    ];
  }
}

interface Cost {
  readonly seconds: number;
  readonly processorSeconds: number;
}

async function timed<T>(work: () => Promise<T>): Promise<readonly [T, Cost]> {
  const before = process.cpuUsage();
  const startedAt = performance.now();
  const out = await work();
  const { user, system } = process.cpuUsage(before);
  return [out, { seconds: (performance.now() - startedAt) / 1_000, processorSeconds: (user + system) / 1e6 }];
}

const directory = await mkdtemp(join(tmpdir(), "aios-snapshot-"));
try {
  const source = new ChainDatabase(join(directory, "source"));
  const root = await new LmdbStateStore(source).found(allocation());
  const snapshots = new SnapshotDirectory(directory);
  const [, made] = await timed(async () => {
    const writer = await snapshots.begin(1);
    const transaction = source.snapshot();
    await exportState(source, transaction, writer).finally(() => transaction.done());
    await writer.finish(NO_BYTES);
  });
  await source.close();
  const place = join(directory, "snapshots", "1");
  const sizes = await Promise.all(
    (await readdir(place)).map(async (name) => (await stat(join(place, name))).size),
  );
  const target = new ChainDatabase(join(directory, "target"), { isSyncedLater: true });
  const from = snapshots.source(1);
  const [imported, begun] = await timed(async () => {
    const state = new StateImport(target);
    for (const [at, part] of decodeIndex(await from.index()).parts.entries())
      if (part.kind !== "chain") await state.part(part.kind, await from.part(at, part));
    return await state.finish();
  });
  await target.close();
  if (imported !== root) throw new Error("the state that was taken in has another root");
  const memoryMiB = process.resourceUsage().maxRSS / 1_024;
  const figures = [
    { name: `snapshot of ${ACCOUNTS} accounts made`, value: made.seconds, unit: "s", goal: null },
    { name: "processor time of it", value: made.processorSeconds, unit: "s", goal: null },
    {
      name: "its size",
      value: sizes.reduce((sum, size) => sum + size, 0) / 2 ** 20,
      unit: "MiB",
      goal: null,
    },
    { name: "taken in, root built anew and on disk", value: begun.seconds, unit: "s", goal: 30 },
    { name: "processor time of it", value: begun.processorSeconds, unit: "s", goal: null },
    { name: "most memory of the process that did both", value: memoryMiB, unit: "MiB", goal: null },
  ];
  for (const { name, value, unit, goal } of figures)
    process.stdout.write(
      json
        ? `${JSON.stringify({ suite: SUITE, name, value, unit, goal, better: "lower" })}\n`
        : `${name.padEnd(48)} ${value.toFixed(1)} ${unit}${goal === null ? "" : `   goal ${goal}`}\n`,
    );
} finally {
  await rm(directory, { recursive: true, force: true });
}
