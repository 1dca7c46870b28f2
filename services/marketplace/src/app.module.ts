import { EconomyServiceService } from "@aios/proto/aios/economy/v1/economy";
import { ProverServiceService } from "@aios/proto/aios/prover/v1/prover";
import { ContentServiceService } from "@aios/proto/aios/storage/v1/storage";
import { chainTimeOf } from "@aios/service-kit/chain-time";
import type { ServiceContext } from "@aios/service-kit/service-context";
import { systemRng } from "@aios/service-kit/system-rng";
import type { DynamicModule } from "@nestjs/common";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "../generated/prisma/client.js";
import { JsonRpcReader } from "./adapters/chain/json-rpc.reader.js";
import { JsonRpcCapabilityReader } from "./adapters/chain/json-rpc-capability.reader.js";
import { MarketEventsConsumer } from "./adapters/events/market-events.consumer.js";
import { ModelController } from "./adapters/grpc/model.controller.js";
import { PurchaseController } from "./adapters/grpc/purchase.controller.js";
import { EconomyChainWriter } from "./adapters/peers/economy.chain-writer.js";
import { ProverKeyMaker } from "./adapters/peers/prover.key-maker.js";
import { StorageContentOwners } from "./adapters/peers/storage.content-owners.js";
import { PrismaModelStore } from "./adapters/prisma/prisma-model.store.js";
import { PrismaPurchaseStore } from "./adapters/prisma/prisma-purchase.store.js";
import { CreateModelUseCase } from "./application/create-model.use-case.js";
import { FindLicenceUseCase } from "./application/find-licence.use-case.js";
import { PublishModelUseCase } from "./application/publish-model.use-case.js";
import { PurchaseLicenceUseCase } from "./application/purchase-licence.use-case.js";
import { UnfinishedRepeater } from "./application/repeat-unfinished.js";
import type { settings as definition } from "./config.js";
import { metrics } from "./metrics.js";
import { CAPABILITY_READER, CLOCK, MODEL_STORE, PURCHASE_STORE } from "./tokens.js";

class MarketplaceModule {}

/** The only place that knows every part. */
export function marketplaceModule(context: ServiceContext<typeof definition>): DynamicModule {
  const { settings, logger } = context;
  const clock = chainTimeOf(context);
  const prisma = new PrismaClient({
    adapter: new PrismaPg(context.pool),
    transactionOptions: { maxWait: 10_000, timeout: 20_000 },
  });
  context.onShutdown("prisma", () => prisma.$disconnect());
  const models = new PrismaModelStore(prisma);
  const purchases = new PrismaPurchaseStore(prisma);
  const keys = new ProverKeyMaker(context.grpcClient(ProverServiceService, "ZK_PROVER_GRPC_URL"));
  const contents = new StorageContentOwners(context.grpcClient(ContentServiceService, "STORAGE_GRPC_URL"));
  const chain = new EconomyChainWriter(context.grpcClient(EconomyServiceService, "ECONOMY_GRPC_URL"));
  const reader = new JsonRpcReader(settings.CHAIN_RPC_URL, settings.CHAIN_RPC_TIMEOUT);
  const capabilities = new JsonRpcCapabilityReader(
    () => chain.capabilityContracts(),
    settings.CHAIN_RPC_URL,
    settings.CHAIN_RPC_TIMEOUT,
  );
  const problem = (message: string, error: unknown): void => {
    metrics.problems.add(1);
    logger.warn({ error }, message);
  };
  const createModel = new CreateModelUseCase(models, contents, keys, clock, problem);
  const publishModel = new PublishModelUseCase(models, chain, clock, systemRng);
  const findLicence = new FindLicenceUseCase(purchases, chain, reader);
  const purchaseLicence = new PurchaseLicenceUseCase(
    models,
    purchases,
    findLicence,
    chain,
    reader,
    clock,
    systemRng,
  );
  const repeater = new UnfinishedRepeater(
    models,
    purchases,
    createModel,
    publishModel,
    purchaseLicence,
    clock,
    settings.MARKETPLACE_REPEAT_INTERVAL,
    problem,
  );
  context.onShutdown("unfinished steps", () => repeater.stop());
  repeater.start();

  return {
    module: MarketplaceModule,
    controllers: [ModelController, PurchaseController, MarketEventsConsumer],
    providers: [
      { provide: CLOCK, useValue: clock },
      { provide: CAPABILITY_READER, useValue: capabilities },
      { provide: MODEL_STORE, useValue: models },
      { provide: PURCHASE_STORE, useValue: purchases },
      { provide: CreateModelUseCase, useValue: createModel },
      { provide: PublishModelUseCase, useValue: publishModel },
      { provide: FindLicenceUseCase, useValue: findLicence },
      { provide: PurchaseLicenceUseCase, useValue: purchaseLicence },
    ],
  };
}
