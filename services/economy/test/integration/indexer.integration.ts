import { abi as providerRegistryAbi } from "@aios/contracts/abi/provider-registry";
import { DEVELOPMENT_TAU_G2 } from "@aios/contracts/parameters";
import { economyModule } from "@aios/economy/app.module";
import { settings } from "@aios/economy/config";
import { EconomyServiceService } from "@aios/proto/aios/economy/v1/economy";
import type { EscrowJobChanged, ProviderStakeChanged } from "@aios/proto/aios/events/v1/events";
import { topics } from "@aios/proto/topics";
import { startService } from "@aios/service-kit/service";
import { eventually } from "@aios/testkit/eventually";
import type { ServiceProcess } from "@aios/testkit/service-process";
import { Contract, parseEther } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  economyClient,
  economyEnv,
  type Foundation,
  startEconomy,
  startFoundation,
} from "../support/economy-platform.js";
import { EscrowScenario, type OpenJob, PROVIDER_PRICE_WEI } from "../support/escrow-scenario.js";
import { EventRecorder } from "../support/event-recorder.js";
import { ACCOUNTS, deployTestProtocol, startTestChain, type TestChain } from "../support/test-chain.js";

describe("the indexer on our own chain", () => {
  let foundation: Foundation;
  let chain: TestChain;
  let env: Record<string, string>;
  let economy: ServiceProcess;
  let recorder: EventRecorder;
  let jobEvents: readonly EscrowJobChanged[];
  let stakes: readonly ProviderStakeChanged[];
  let contracts: Readonly<Record<string, string>>;
  let job: OpenJob;

  beforeAll(async () => {
    [foundation, chain] = await Promise.all([startFoundation(), startTestChain()]);
    contracts = await deployTestProtocol(chain.provider);
    // The developer plays an escrow that found results wrong: admitted while nobody has a stake, so at once.
    const registry = new Contract(
      contracts["ProviderRegistry"] ?? "",
      providerRegistryAbi,
      ACCOUNTS.deployer.connect(chain.provider),
    );
    await (await registry.getFunction("admitEscrow")(ACCOUNTS.developer.address)).wait();
    env = await economyEnv(foundation, chain.url);
    economy = await startEconomy(env);
    recorder = await EventRecorder.open(foundation.eventBusUrl);
    jobEvents = await recorder.record(topics.economyJobChanged);
    stakes = await recorder.record(topics.economyProviderChanged);
  });

  afterAll(async () => {
    await recorder?.close();
    await economy?.stop();
    await chain?.stop();
    await foundation?.stop();
  });

  async function asCompute<T>(work: (scenario: EscrowScenario) => Promise<T>): Promise<T> {
    const client = await economyClient(foundation, economy.ports.grpcPort, "compute");
    return await work(new EscrowScenario(client, chain.provider, contracts));
  }

  const statesOf = (jobId: string) =>
    jobEvents
      .filter((event) => event.jobId === jobId)
      .map(({ state, finalized }) => `${state}${finalized ? "!" : ""}`);

  it("tells a job's way through the escrow, and its end again when it is final", async () => {
    job = await asCompute(async (scenario) => {
      await scenario.registerProvider();
      const open = await scenario.deliverJob();
      await scenario.accept(open);
      return open;
    });
    await eventually(() => {
      expect(statesOf(job.jobId)).toEqual(["funded", "leased", "delivered", "settled", "settled!"]);
    });
    const settled = jobEvents.find((event) => event.jobId === job.jobId && event.state === "settled");
    expect(settled).toMatchObject({
      buyer: ACCOUNTS.business.address.toLowerCase(),
      provider: ACCOUNTS.provider.address.toLowerCase(),
      fencingToken: 1,
      priceWei: parseEther("4.2").toString(),
      receiptHash: job.receiptDigest,
      output: `0x${"00".repeat(32)}`,
      outputHash: job.outputHash,
    });
    expect(settled?.gasUsed).toBeGreaterThan(50_000);
  });

  it("accounts for every wei of the job and explains it", async () => {
    const compute = await economyClient(foundation, economy.ports.grpcPort, "compute");
    const { payments } = await compute.getJobPayments({ jobId: job.jobId });
    const sum = (kinds: readonly string[]) =>
      payments
        .filter((one) => kinds.includes(one.kind))
        .reduce((total, one) => total + BigInt(one.amountWei), 0n);
    expect(sum(["escrow"])).toBe(parseEther("10"));
    expect(sum(["provider"])).toBe(PROVIDER_PRICE_WEI);
    expect(sum(["protocol-fee-burned"])).toBe(parseEther("0.1"));
    expect(
      sum(["provider", "prover", "royalty", "protocol-fee-burned", "protocol-fee-treasury", "refund"]),
    ).toBe(sum(["escrow"]));
    const money = await compute.explainJobMoney({ jobId: job.jobId });
    expect(money.state).toBe("settled");
    expect(money.explanation.join(" ")).toContain("4 AIOS were credited to the provider");
    const balances = await compute.getBalances({ account: ACCOUNTS.provider.address });
    expect(BigInt(balances.withdrawableWei)).toBe(PROVIDER_PRICE_WEI);
    expect(BigInt(balances.stakedWei)).toBe(parseEther("100"));
    await expect(compute.explainJobMoney({ jobId: `0x${"ab".repeat(32)}` })).rejects.toMatchObject({
      code: "job-not-on-chain",
    });
  });

  it("describes the protocol", async () => {
    const compute = await economyClient(foundation, economy.ports.grpcPort, "compute");
    const protocol = await compute.getProtocol({});
    expect(protocol).toMatchObject({ chainId: 31_337, protocolFeeBps: 500, challengeWindowSeconds: 5 });
    expect(protocol.honkTauG2).toEqual(DEVELOPMENT_TAU_G2);
    expect(protocol.contracts["JobEscrow"]).toBe(contracts["JobEscrow"]?.toLowerCase());
    expect(protocol.accounts["matcher"]).toBe(ACCOUNTS.matcher.address.toLowerCase());
    const status = await compute.getIndexerStatus({});
    expect(status.indexedHeight).toBe(status.headHeight);
  });

  it("reads what happened while it was away, each event once", async () => {
    const open = await asCompute((scenario) => scenario.deliverJob());
    await economy.kill();
    await chain.provider.send("eth_blockNumber", []);
    await economy.restart();
    await asCompute((scenario) => scenario.accept(open));
    await eventually(() => {
      expect(statesOf(open.jobId)).toEqual(["funded", "leased", "delivered", "settled", "settled!"]);
    });
  });

  it("tells what is left of a stake that a refutation took from, and whether it suffices", async () => {
    const registry = new Contract(contracts["ProviderRegistry"] ?? "", providerRegistryAbi);
    const as = (wallet: (typeof ACCOUNTS)[keyof typeof ACCOUNTS]) =>
      registry.connect(wallet.connect(chain.provider)) as typeof registry;
    // Gas by hand: what is estimated for the block that is open may be too little in the next one.
    const slash = as(ACCOUNTS.developer).getFunction("slash");
    const take = async (aios: string) =>
      (await slash(ACCOUNTS.provider.address, parseEther(aios), { gasLimit: 500_000n })).wait();
    await take("10");
    await take("89.5");
    await eventually(() => {
      expect(stakes.map(({ stakedWei, registered }) => [stakedWei, registered])).toEqual([
        [parseEther("100").toString(), true],
        [parseEther("90").toString(), true],
        [parseEther("0.5").toString(), false],
      ]);
    });
  });
});

describe("an economy service before the protocol exists", () => {
  it("says that it waits for the contracts, and goes on by itself when they come", async () => {
    const foundation = await startFoundation();
    const chain = await startTestChain();
    const env = await economyEnv(foundation, chain.url);
    const economy = await startService({
      name: "economy",
      settings,
      migrationsDir: new URL("../../prisma/migrations/", import.meta.url),
      grpc: { services: [EconomyServiceService] },
      module: economyModule,
      env,
    });
    const ready = () => fetch(`http://127.0.0.1:${economy.healthPort}/health/ready`);
    try {
      const waiting = await ready();
      expect(waiting.status).toBe(503);
      expect(await waiting.text()).toContain("Waiting for the protocol's contracts to be deployed");
      await deployTestProtocol(chain.provider);
      await eventually(async () => expect((await ready()).status).toBe(200));
    } finally {
      await economy.close();
      await chain.stop();
      await foundation.stop();
    }
  });
});
