import { createGrpcClient, type GrpcClient } from "@aios/service-kit/grpc-client";
import { loadTokenIssuer } from "@aios/service-kit/service-token";
import { mainOf, ServiceProcess } from "@aios/testkit/service-process";
import { economyEnv, type Foundation, startEconomy, startFoundation } from "./economy-platform.js";
import { EventRecorder } from "./event-recorder.js";
import { deployTestProtocol, startTestChain, type TestChain } from "./test-chain.js";

type ServiceName = Parameters<Foundation["env"]>[0];

/** A chain with our contracts, economy on it, and whatever services a test starts beside it. */
export class EconomyBesideOthers {
  readonly #others: ServiceProcess[] = [];

  private constructor(
    readonly foundation: Foundation,
    readonly chain: TestChain,
    readonly contracts: Readonly<Record<string, string>>,
    readonly economy: ServiceProcess,
    readonly recorder: EventRecorder,
  ) {}

  static async start(): Promise<EconomyBesideOthers> {
    const [foundation, chain] = await Promise.all([startFoundation(), startTestChain()]);
    const contracts = await deployTestProtocol(chain.provider);
    const economy = await startEconomy(await economyEnv(foundation, chain.url));
    const recorder = await EventRecorder.open(foundation.eventBusUrl);
    return new EconomyBesideOthers(foundation, chain, contracts, economy, recorder);
  }

  /** Starts another service as a process of its own; it ends with this. */
  async startService(name: ServiceName, env: Readonly<Record<string, string>>): Promise<ServiceProcess> {
    const service = await ServiceProcess.start({
      main: mainOf(name),
      env: {
        ...(await this.foundation.env(name)),
        LOG_LEVEL: "info",
        // The chain here is its JSON-RPC alone.
        CONSENSUS_GRPC_URL: "127.0.0.1:1",
        ECONOMY_GRPC_URL: `127.0.0.1:${this.economy.ports.grpcPort}`,
        ...env,
      },
    });
    this.#others.push(service);
    return service;
  }

  /** A client of such a service that calls as the gateway, or another; it ends with this. */
  async clientOf<D extends Parameters<typeof createGrpcClient>[0]>(
    definition: D,
    audience: ServiceName,
    service: ServiceProcess,
    caller: ServiceName = "gateway",
  ): Promise<GrpcClient<D>> {
    const identity = await loadTokenIssuer(caller, this.foundation.keys.keyFile(caller));
    const client = createGrpcClient(definition, `127.0.0.1:${service.ports.grpcPort}`, {
      identity,
      audience,
    });
    this.foundation.owns(client);
    return client;
  }

  async stop(): Promise<void> {
    await this.recorder.close();
    for (const service of this.#others.reverse()) await service.stop();
    await this.economy.stop();
    await this.chain.stop();
    await this.foundation.stop();
  }
}
