import type { MainThread } from "./budget.js";
import { gasOverRpc, type Heavy } from "./contract-gas.js";
import { callsUnderLoad, type Latencies, type LoadResult, runLoad } from "./load-generator.js";
import type { Running } from "./peers.js";
import type { Kind, SignedLoad } from "./workload.js";

const MAX_OUTSTANDING = 20_000;

/** The same transactions for every node, signed before any of them starts. */
export interface Loads {
  readonly byKind: ReadonlyMap<Kind, { readonly warmUp: SignedLoad; readonly measured: SignedLoad }>;
  /** What is sent while calls are asked. */
  readonly background: SignedLoad;
  readonly call: { readonly to: string; readonly data: string };
}

export interface Profile {
  start(): void;
  end(): Promise<MainThread>;
}

export interface Measured {
  readonly result: LoadResult;
  readonly mainThread?: MainThread;
  /** Processor time of the load generator during the measurement. */
  readonly generatorMs: number;
}

export interface Measurements {
  readonly byKind: ReadonlyMap<Kind, Measured>;
  readonly calls: Latencies;
  /** Megagas a second of contracts that only compute, by `eth_call`; absent where they were not asked for. */
  readonly gas?: ReadonlyMap<Heavy, number>;
}

async function measureKind(
  { url, processorMs }: Running,
  load: { readonly warmUp: SignedLoad; readonly measured: SignedLoad },
  profile: Profile | undefined,
): Promise<Measured> {
  await runLoad(url, load.warmUp, MAX_OUTSTANDING);
  profile?.start();
  const before = process.cpuUsage();
  const result = await runLoad(url, load.measured, MAX_OUTSTANDING, processorMs);
  const used = process.cpuUsage(before);
  const mainThread = await profile?.end();
  return {
    result,
    generatorMs: (used.user + used.system) / 1_000,
    ...(mainThread === undefined ? {} : { mainThread }),
  };
}

export interface MeasureOptions {
  readonly profile?: Profile;
  /** Calls of contracts that only compute, as well. */
  readonly asksGas: boolean;
}

/** Every kind one after the other, then calls under half the load of native transfers that the node has shown. */
export async function measure(
  running: Running,
  loads: Loads,
  { profile, asksGas }: MeasureOptions,
): Promise<Measurements> {
  const byKind = new Map<Kind, Measured>();
  for (const [kind, load] of loads.byKind) byKind.set(kind, await measureKind(running, load, profile));
  const half = (byKind.get("native")?.result.perSecond ?? 0) / 2;
  const calls = await callsUnderLoad(running.url, loads.background, half, loads.call);
  return { byKind, calls, ...(asksGas ? { gas: await gasOverRpc(running.url) } : {}) };
}

/** As `measure` on a peer that is started for it; in words why it could not be measured. */
export async function measurePeer(
  start: () => Promise<Running>,
  loads: Loads,
  options: MeasureOptions,
): Promise<Measurements | string> {
  try {
    const peer = await start();
    try {
      return await measure(peer, loads, options);
    } finally {
      await peer.stop();
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
