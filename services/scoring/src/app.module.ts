import { EconomyServiceService } from "@aios/proto/aios/economy/v1/economy";
import { chainTimeOf } from "@aios/service-kit/chain-time";
import type { ServiceContext } from "@aios/service-kit/service-context";
import type { DynamicModule } from "@nestjs/common";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "../generated/prisma/client.js";
import { ScoringEventsConsumer } from "./adapters/events/scoring-events.consumer.js";
import { ScoringController } from "./adapters/grpc/scoring.controller.js";
import { EconomyAnchor } from "./adapters/peers/economy.anchor.js";
import { PrismaReceiptStore } from "./adapters/prisma/prisma-receipt.store.js";
import { ReceiptAnchorer } from "./application/anchor-receipts.js";
import { JudgeReceipts } from "./application/judge-receipts.js";
import { MeasureContributionUseCase } from "./application/measure-contribution.use-case.js";
import { ProveReceiptUseCase } from "./application/prove-receipt.use-case.js";
import type { settings as definition } from "./config.js";
import { metrics } from "./metrics.js";
import { RECEIPT_STORE } from "./tokens.js";

class ScoringModule {}

/** The only place that knows every part. */
export function scoringModule(context: ServiceContext<typeof definition>): DynamicModule {
  const { settings, logger } = context;
  const clock = chainTimeOf(context);
  const prisma = new PrismaClient({
    adapter: new PrismaPg(context.pool),
    transactionOptions: { maxWait: 10_000, timeout: 20_000 },
  });
  context.onShutdown("prisma", () => prisma.$disconnect());
  const store = new PrismaReceiptStore(prisma);
  const anchor = new EconomyAnchor(context.grpcClient(EconomyServiceService, "ECONOMY_GRPC_URL"));
  const judge = new JudgeReceipts(
    store,
    anchor,
    clock,
    () => {
      metrics.receiptsCounted.add(1);
      anchorer.wake();
    },
    (reason) => metrics.receiptsRefused.add(1, { reason }),
  );
  const anchorer: ReceiptAnchorer = new ReceiptAnchorer(
    store,
    anchor,
    clock,
    {
      gatherMs: settings.ANCHOR_GATHER_TIME,
      maxReceipts: settings.ANCHOR_MAX_RECEIPTS,
      retryMs: settings.ANCHOR_RETRY_INTERVAL,
    },
    () => judge.sweep(),
    (message, error) => {
      metrics.problems.add(1);
      logger.warn({ error }, message);
    },
  );
  metrics.receiptsNotAnchored.observe(() => store.countedCount());
  context.onShutdown("anchoring", () => anchorer.stop());
  anchorer.start();

  return {
    module: ScoringModule,
    controllers: [ScoringController, ScoringEventsConsumer],
    providers: [
      { provide: RECEIPT_STORE, useValue: store },
      { provide: JudgeReceipts, useValue: judge },
      { provide: ReceiptAnchorer, useValue: anchorer },
      { provide: ProveReceiptUseCase, useValue: new ProveReceiptUseCase(store) },
      { provide: MeasureContributionUseCase, useValue: new MeasureContributionUseCase(store, clock) },
    ],
  };
}
