import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "@aios/kernel/clock";
import { SERVICES } from "@aios/service-kit/local-instance";
import { choosePorts, type PortChoice } from "./free-ports.js";
import { chainIdOf, ensureGenesis } from "./genesis.js";
import { honkPowersOf } from "./honk-powers.js";
import { chainProcesses, HonorNodes, honorPorts } from "./honor-nodes.js";
import { type AccountName, type Identities, loadIdentities } from "./identities.js";
import type { ProcessSpec } from "./managed-process.js";
import { databaseUrls, postgresProcess } from "./postgres-process.js";
import {
  consensusProcess,
  type PlatformSettings,
  providerProcess,
  serviceProcess,
  wantedPorts,
} from "./process-table.js";
import { ensureProtocol } from "./protocol-deployment.js";
import { Supervisor, type SupervisorEvents } from "./supervisor.js";

export interface PlatformOptions {
  /** Root of the repository: where the built services lie. */
  readonly root: string;
  readonly dataDir: string;
  readonly portBase?: number | undefined;
  /** Honor nodes of a new chain, 1: one node makes its blocks; see `HonorNodes.count`. */
  readonly honorNodes?: number | undefined;
  /** File of powers of tau for UltraHonk on a new chain; see `honkPowersOf`. */
  readonly honkPowers?: string | undefined;
  readonly clock: Clock;
  readonly events: SupervisorEvents;
  /** One sentence for each thing that happens beside the processes. */
  readonly onStep?: (step: string) => void;
  /** Aborting it stops the start, and all that was started. */
  readonly signal?: AbortSignal;
  /** Longest pause before a process that keeps crashing is started again. */
  readonly maxRestartPauseMs?: number;
  /** Environment added to processes by name, for settings that tests or operators change. */
  readonly extraEnv?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const ONE_PRODUCER = "one node makes the blocks and alone decides what is final";
const READY_WITHIN_MS = 60_000;
/** What is started once chain and database run. */
const DEPENDENTS = SERVICES.filter((name) => name !== "consensus");

/** AiOS on one machine: embedded Postgres, all services, two providers, each its own process. */
export class Platform {
  readonly supervisor: Supervisor;
  readonly identities: Identities;
  readonly ports: ReadonlyMap<string, number>;
  /** Ports that are not the usual ones, because those were taken. */
  readonly movedPorts: readonly PortChoice[];

  private constructor(supervisor: Supervisor, identities: Identities, choices: readonly PortChoice[]) {
    this.supervisor = supervisor;
    this.identities = identities;
    this.ports = new Map(choices.map(({ name, port }) => [name, port]));
    this.movedPorts = choices.filter(({ wanted, port }) => wanted !== port);
  }

  get gatewayUrl(): string {
    return `http://127.0.0.1:${this.ports.get("gateway")}`;
  }

  get jsonRpcUrl(): string {
    return `http://127.0.0.1:${this.ports.get("json-rpc")}`;
  }

  /** Private key of a local party, for programs that act as it. */
  privateKey(account: AccountName): string {
    return readFileSync(this.identities.accounts[account].keyFile, "utf8").trim();
  }

  /** Starts everything and resolves when every service says that it is ready. Stops all again when one does not. */
  static async start(options: PlatformOptions): Promise<Platform> {
    const { dataDir, clock } = options;
    mkdirSync(join(dataDir, "logs"), { recursive: true });
    const identities = loadIdentities(join(dataDir, "keys"));
    const nodes = HonorNodes.count(join(dataDir, "genesis.json"), options.honorNodes);
    const usual = wantedPorts(options.portBase);
    const above = options.portBase === undefined ? undefined : options.portBase + usual.size;
    const choices = await choosePorts(new Map([...usual, ...(nodes === 1 ? [] : honorPorts(nodes, above))]));
    const platform = new Platform(
      new Supervisor(
        clock,
        options.events,
        ["postgres", ...chainProcesses(nodes)],
        options.maxRestartPauseMs,
      ),
      identities,
      choices,
    );
    options.signal?.addEventListener("abort", () => void platform.stop(), { once: true });
    try {
      await platform.#startProcesses(options, nodes);
      options.signal?.throwIfAborted();
      return platform;
    } catch (error) {
      await platform.stop();
      throw error;
    }
  }

  stop(): Promise<void> {
    return this.supervisor.stop();
  }

  async #startProcesses(options: PlatformOptions, nodes: number): Promise<void> {
    const { root, dataDir, clock } = options;
    const genesisFile = join(dataDir, "genesis.json");
    const firstStart = !existsSync(genesisFile);
    if (nodes === 1) options.onStep?.(firstStart ? ONE_PRODUCER : `${ONE_PRODUCER}, as this chain began`);
    const honkPowers = honkPowersOf(dataDir, options.honkPowers, firstStart);
    const honor = nodes === 1 ? undefined : await this.#prepareHonorNodes(nodes, options, genesisFile);
    if (honor === undefined) ensureGenesis(genesisFile, this.identities, Math.floor(clock.now() / 1000));
    const common = {
      paths: { root, dataDir },
      ports: this.ports,
      identities: this.identities,
      chainId: chainIdOf(genesisFile),
      genesisFile,
    };
    await Promise.all([
      this.#start(postgresProcess({ root, dataDir, port: this.ports.get("postgres") as number }), options),
      this.#start(consensusProcess(common, await honor?.environment()), options),
      ...(honor?.processes() ?? []).map((spec) => this.#start(spec, options)),
    ]);
    if (firstStart) options.onStep?.("putting the protocol's contracts on the new chain");
    const say = (step: string): void => options.onStep?.(step);
    const contracts = await ensureProtocol(this.jsonRpcUrl, this.identities, say, honkPowers);
    const complete: PlatformSettings = {
      ...common,
      databaseUrl: databaseUrls(dataDir),
      contractRegistry: contracts["ContractRegistry"] as string,
      honkPowers,
    };
    await Promise.all(DEPENDENTS.map((name) => this.#start(serviceProcess(name, complete), options)));
    await Promise.all(
      ([1, 2] as const).map((number) => this.#start(providerProcess(number, complete), options)),
    );
  }

  #prepareHonorNodes(
    nodes: number,
    { root, dataDir, clock }: PlatformOptions,
    genesisFile: string,
  ): Promise<HonorNodes> {
    const { identities, ports } = this;
    return HonorNodes.prepare(nodes, { root, dataDir, clock, genesisFile, identities, ports });
  }

  #start(spec: ProcessSpec, options: PlatformOptions): Promise<void> {
    const added = options.extraEnv?.[spec.name] ?? {};
    return this.supervisor.start({ ...spec, env: { ...spec.env, ...added } }, READY_WITHIN_MS);
  }
}
