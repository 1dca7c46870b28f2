import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { HonorSettings } from "@aios/consensus/node/honor-options";
import { type HonorNetworkPlan, makeHonorNetwork } from "@aios/consensus/testnet/honor-network";
import { LinkProxy } from "@aios/consensus/testnet/link-proxy";
import { freePort } from "@aios/service-kit/free-port";
import { systemClock } from "@aios/service-kit/system-clock";
import { rpc, testGenesisJson } from "./test-chain.js";

const SCRIPT = createRequire(import.meta.url).resolve("@aios/consensus/run-node");

export interface HonorProcess {
  readonly home: string;
  child: ChildProcess;
  url: string;
}

export interface NetworkChoice {
  readonly seats: number;
  /** Nodes without a seat, which follow. */
  readonly followers?: number;
  readonly tickMs?: number;
  /** Streams between nodes go through proxies that can be cut. */
  readonly hasProxies?: boolean;
  readonly settings?: Partial<HonorSettings>;
  readonly mergeDepth?: number;
  readonly snapshotIntervalBlocks?: number;
  readonly past?: HonorNetworkPlan["past"];
  readonly genesis?: Readonly<Record<string, unknown>>;
  /** Nodes, after those with a seat, that may stand for one. */
  readonly candidates?: number;
  readonly time?: HonorNetworkPlan["time"];
  readonly staking?: HonorNetworkPlan["staking"];
}

/** A network of real processes on loopback. */
export class HonorProcesses implements AsyncDisposable {
  readonly nodes: HonorProcess[] = [];
  readonly #directory: string;
  readonly #proxies: ReadonlyMap<string, LinkProxy>;

  private constructor(directory: string, proxies: ReadonlyMap<string, LinkProxy>) {
    this.#directory = directory;
    this.#proxies = proxies;
  }

  static async start(choice: NetworkChoice): Promise<HonorProcesses> {
    const directory = await mkdtemp(join(tmpdir(), "aios-honor-"));
    const count = choice.seats + (choice.candidates ?? 0) + (choice.followers ?? 0);
    const places = await Promise.all(
      Array.from({ length: count }, async () => ({ rpcPort: await freePort(), peerPort: await freePort() })),
    );
    const proxies = new Map<string, LinkProxy>();
    const ports = new Map<string, number>();
    if (choice.hasProxies === true)
      for (const from of places.keys())
        for (const [to, { peerPort }] of places.entries()) {
          if (from === to) continue;
          const proxy = new LinkProxy(systemClock, 0);
          proxies.set(`${from}-${to}`, proxy);
          ports.set(`${from}-${to}`, await proxy.start(peerPort));
        }
    const homes = await makeHonorNetwork({
      directory,
      seats: choice.seats,
      places,
      genesis: choice.genesis ?? testGenesisJson(),
      genesisTimeMs: Date.now(),
      maxDelayMs: 100,
      k: 10,
      ...(choice.tickMs === undefined ? {} : { tickMs: choice.tickMs }),
      ...(choice.candidates === undefined ? {} : { candidates: choice.candidates }),
      ...(choice.time === undefined ? {} : { time: choice.time }),
      ...(choice.staking === undefined ? {} : { staking: choice.staking }),
      ...(choice.settings === undefined ? {} : { settings: choice.settings }),
      ...(choice.mergeDepth === undefined ? {} : { mergeDepth: choice.mergeDepth }),
      ...(choice.snapshotIntervalBlocks === undefined
        ? {}
        : { snapshotIntervalBlocks: choice.snapshotIntervalBlocks }),
      ...(choice.past === undefined ? {} : { past: choice.past }),
      ...(choice.hasProxies === true
        ? { portBetween: (from: number, to: number) => ports.get(`${from}-${to}`) ?? 0 }
        : {}),
    });
    const network = new HonorProcesses(directory, proxies);
    const starts = await Promise.allSettled(homes.map(startProcess));
    for (const start of starts) if (start.status === "fulfilled") network.nodes.push(start.value);
    const failure = starts.find((start) => start.status === "rejected");
    if (failure === undefined) return network;
    await network[Symbol.asyncDispose]();
    throw failure.reason;
  }

  node(index: number): HonorProcess {
    const node = this.nodes[index];
    if (node === undefined) throw new Error(`there is no node ${index}`);
    return node;
  }

  /** Ends a node as a power loss would. */
  async kill(index: number): Promise<void> {
    const { child } = this.node(index);
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  async restart(index: number): Promise<void> {
    const node = this.node(index);
    const { child, url } = await startProcess(node.home);
    node.child = child;
    node.url = url;
  }

  /** Cuts, or mends, every stream between the nodes of a side and the others. */
  separate(side: readonly number[], isCut: boolean): void {
    for (const [link, proxy] of this.#proxies) {
      const [from, to] = link.split("-").map(Number) as [number, number];
      if (side.includes(from) === side.includes(to)) continue;
      if (isCut) proxy.cut();
      else proxy.mend();
    }
  }

  async ask<T>(index: number, method: string, params: readonly unknown[] = []): Promise<T> {
    const { result, error } = await rpc(this.node(index).url, method, params);
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result as T;
  }

  async height(index: number): Promise<number> {
    return Number(await this.ask<string>(index, "eth_blockNumber"));
  }

  async finalized(index: number): Promise<number> {
    return Number(
      (await this.ask<{ number: string }>(index, "eth_getBlockByNumber", ["finalized", false])).number,
    );
  }

  async hash(index: number, height: number): Promise<string | undefined> {
    const at = `0x${height.toString(16)}`;
    return (await this.ask<{ hash: string } | null>(index, "eth_getBlockByNumber", [at, false]))?.hash;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const alive = this.nodes.filter(({ child }) => child.exitCode === null && child.signalCode === null);
    for (const { child } of alive) child.kill("SIGKILL");
    await Promise.all(alive.map(({ child }) => once(child, "exit")));
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.stop()));
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function startProcess(home: string): Promise<HonorProcess> {
  const child = spawn(process.execPath, [SCRIPT, home], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await Promise.race([
    once(createInterface(child.stdout), "line"),
    once(child, "exit").then(() => {
      throw new Error(`the node of ${home} ended before it served`);
    }),
  ])) as [string];
  return { home, child, url: (JSON.parse(line) as { url: string }).url };
}
