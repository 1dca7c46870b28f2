import { crashPoint } from "@aios/service-kit/crash-point";
import type { Logger } from "@aios/service-kit/logger";
import type { ServiceContext } from "@aios/service-kit/service-context";
import type { DynamicModule, Provider } from "@nestjs/common";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "../generated/prisma/client.js";
import { ContractProtocolReader } from "./adapters/chain/contract-protocol.reader.js";
import { JsonRpcNode } from "./adapters/chain/json-rpc.node.js";
import { JsonRpcClient } from "./adapters/chain/json-rpc-client.js";
import { KeyFileVault } from "./adapters/chain/key-file.vault.js";
import { RegistryContractBook } from "./adapters/chain/registry-contract.book.js";
import { MoneyController } from "./adapters/grpc/money.controller.js";
import { TransactionController } from "./adapters/grpc/transaction.controller.js";
import { PrismaIndexStore } from "./adapters/prisma/prisma-index.store.js";
import { PrismaTransactionStore } from "./adapters/prisma/prisma-transaction.store.js";
import { ChainRuntime } from "./application/chain-runtime.js";
import { DescribeProtocolUseCase } from "./application/describe-protocol.use-case.js";
import { ExplainJobUseCase } from "./application/explain-job.use-case.js";
import { ChainFollower, type FollowerObserver } from "./application/follow-chain.js";
import { type PipelineObserver, SignerPipeline } from "./application/signer-pipeline.js";
import { SimulateTransactionUseCase } from "./application/simulate-transaction.use-case.js";
import { SubmitTransactionUseCase } from "./application/submit-transaction.use-case.js";
import { TransactionFeed } from "./application/transaction-feed.js";
import type { settings as definition } from "./config.js";
import { gasRuleOf } from "./domain/gas-policy.js";
import { metrics } from "./metrics.js";
import {
  CLOCK,
  FOLLOWER,
  INDEX_STORE,
  PROTOCOL_READER,
  TRANSACTION_FEED,
  TRANSACTION_STORE,
} from "./tokens.js";

type Context = ServiceContext<typeof definition>;

class EconomyModule {}

/** The only place that knows every part. */
export async function economyModule(context: Context): Promise<DynamicModule> {
  const stores = storesOf(context);
  const chain = chainOf(context);
  const { follower, runtime } = runtimeOf(context, stores, chain);
  context.health.register("chain", async () => runtime.requireRunning());
  context.onShutdown("chain", () => runtime.stop());
  await runtime.start();
  return {
    module: EconomyModule,
    controllers: [TransactionController, MoneyController],
    providers: [
      { provide: CLOCK, useValue: context.clock },
      { provide: TRANSACTION_STORE, useValue: stores.transactions },
      { provide: TRANSACTION_FEED, useValue: stores.feed },
      { provide: INDEX_STORE, useValue: stores.index },
      { provide: PROTOCOL_READER, useValue: chain.protocol },
      { provide: FOLLOWER, useValue: follower },
      ...useCases(context, stores, chain, runtime),
    ],
  };
}

type Stores = ReturnType<typeof storesOf>;
type Chain = ReturnType<typeof chainOf>;

function storesOf(context: Context) {
  const prisma = new PrismaClient({
    adapter: new PrismaPg(context.pool),
    transactionOptions: { maxWait: 10_000, timeout: 20_000 },
  });
  context.onShutdown("prisma", () => prisma.$disconnect());
  return {
    transactions: new PrismaTransactionStore(prisma),
    index: new PrismaIndexStore(prisma),
    feed: new TransactionFeed(),
  };
}

function chainOf({ settings }: Context) {
  const rpc = new JsonRpcClient(settings.CHAIN_RPC_URL, settings.CHAIN_RPC_TIMEOUT);
  const contracts = new RegistryContractBook(rpc, settings.CONTRACT_REGISTRY_ADDRESS);
  return {
    node: new JsonRpcNode(rpc),
    contracts,
    protocol: new ContractProtocolReader(rpc, contracts),
    vault: new KeyFileVault({
      relayer: settings.RELAYER_KEY_FILE,
      matcher: settings.MATCHER_KEY_FILE,
      anchor: settings.ANCHOR_KEY_FILE,
    }),
  };
}

/** What follows the chain, and a line of writes for each signer, which waits for what is followed. */
function runtimeOf(
  { settings, clock, logger }: Context,
  { transactions, index, feed }: Stores,
  { node, contracts, vault }: Chain,
): { readonly follower: ChainFollower; readonly runtime: ChainRuntime } {
  const follower = new ChainFollower(
    node,
    contracts,
    (signer) => vault.addressOf(signer),
    index,
    feed,
    clock,
    followerObserver(logger),
    () => runtime.wakeAll(),
    settings.CHAIN_POLL_INTERVAL,
  );
  const pipelineSettings = pipelineSettingsOf(settings);
  const runtime: ChainRuntime = new ChainRuntime(
    node,
    contracts,
    index,
    follower,
    (signer, chainId) =>
      new SignerPipeline(
        signer,
        vault.addressOf(signer),
        chainId,
        node,
        vault,
        transactions,
        feed,
        ({ contract, data }) => gasRuleOf(contract, contracts.functionOf(contract, data)),
        clock,
        pipelineSettings,
        pipelineObserver(logger),
      ),
    clock,
    { retryMs: settings.CHAIN_START_RETRY, rescueEveryMs: settings.TX_RESCUE_INTERVAL },
    (message, error) => problem(logger, message, error),
  );
  return { follower, runtime };
}

function pipelineSettingsOf(settings: Context["settings"]) {
  return {
    priorityFeePerGasWei: settings.TX_PRIORITY_FEE_GWEI,
    maxFeePerGasCapWei: settings.TX_MAX_FEE_GWEI,
    maxInFlight: settings.TX_MAX_IN_FLIGHT,
    stuckAfterMs: settings.TX_STUCK_AFTER,
    giveUpAfterMs: settings.TX_GIVE_UP_AFTER,
  };
}

function useCases(
  { settings, clock }: Context,
  { transactions, index }: Stores,
  { node, contracts, protocol, vault }: Chain,
  runtime: ChainRuntime,
): Provider[] {
  const submit = new SubmitTransactionUseCase(
    contracts,
    transactions,
    clock,
    (signer) => runtime.wake(signer),
    settings.SPONSORED_GAS_PER_DAY,
    (functionName) => metrics.sponsorshipsRefused.add(1, { function: functionName }),
  );
  const describe = new DescribeProtocolUseCase(contracts, vault, protocol, runtime, settings.CHAIN_RPC_URL);
  return [
    { provide: SubmitTransactionUseCase, useValue: submit },
    {
      provide: SimulateTransactionUseCase,
      useValue: new SimulateTransactionUseCase(contracts, node, vault),
    },
    { provide: ExplainJobUseCase, useValue: new ExplainJobUseCase(index) },
    { provide: DescribeProtocolUseCase, useValue: describe },
  ];
}

function problem(logger: Logger, message: string, error: unknown): void {
  metrics.chainProblems.add(1);
  logger.warn({ error }, message);
}

function followerObserver(logger: Logger): FollowerObserver {
  return {
    progressed: (indexed, head, finalized) => {
      metrics.indexedHeight.set(Number(indexed));
      metrics.headHeight.set(Number(head));
      metrics.finalizedHeight.set(Number(finalized));
    },
    undone: (block) => {
      metrics.blocksUndone.add(1);
      logger.warn({ blockNumber: block.number.toString(), blockHash: block.hash }, "a block was taken back");
    },
    problem: (message, error) => problem(logger, message, error),
    crashPoint,
  };
}

function pipelineObserver(logger: Logger): PipelineObserver {
  return {
    sent: (signer, count) => metrics.transactionsSent.add(count, { signer }),
    replaced: (signer) => metrics.transactionsReplaced.add(1, { signer }),
    refused: (signer, errorCode) => metrics.transactionsRefused.add(1, { signer, errorCode }),
    problem: (message, error) => problem(logger, message, error),
    crashPoint,
  };
}
