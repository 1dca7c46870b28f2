import type { Clock } from "@aios/kernel/clock";
import type { Address, JobId } from "@aios/kernel/identifiers";
import { EconomyServiceService } from "@aios/proto/aios/economy/v1/economy";
import { MarketplaceServiceService } from "@aios/proto/aios/marketplace/v1/marketplace";
import { ProverServiceService } from "@aios/proto/aios/prover/v1/prover";
import { ContentKeyServiceService, ContentServiceService } from "@aios/proto/aios/storage/v1/storage";
import { chainTimeOf } from "@aios/service-kit/chain-time";
import type { ServiceContext } from "@aios/service-kit/service-context";
import { systemRng } from "@aios/service-kit/system-rng";
import type { DynamicModule, InjectionToken, Provider } from "@nestjs/common";
import { escrowCall, registerCall } from "./adapters/chain/escrow-calls.js";
import { JsonRpcChainReader } from "./adapters/chain/json-rpc-chain.reader.js";
import { ChainEventsConsumer } from "./adapters/events/chain-events.consumer.js";
import { HandshakeRoom } from "./adapters/grpc/handshake-room.js";
import { JobController } from "./adapters/grpc/job.controller.js";
import { MarketController } from "./adapters/grpc/market.controller.js";
import { ProviderLinkController } from "./adapters/grpc/provider-link.controller.js";
import { ProviderLinkHub } from "./adapters/grpc/provider-link.hub.js";
import { EconomyChainWriter } from "./adapters/peers/economy-chain.writer.js";
import { MarketplaceModelCatalogue } from "./adapters/peers/marketplace-model.catalogue.js";
import { StorageInputVault } from "./adapters/peers/storage-input.vault.js";
import { ZkProver } from "./adapters/peers/zk-prover.js";
import { createPrisma } from "./adapters/prisma/prisma-client.js";
import { PrismaJobStore } from "./adapters/prisma/prisma-job.store.js";
import { PrismaProviderStore } from "./adapters/prisma/prisma-provider.store.js";
import { AcceptJob } from "./application/accept-job.use-case.js";
import { Admission } from "./application/admission.js";
import { CheckLease } from "./application/check-lease.use-case.js";
import { DrawSample } from "./application/draw-sample.js";
import { ExplainPlacement } from "./application/explain-placement.use-case.js";
import { FollowEscrow } from "./application/follow-escrow.use-case.js";
import { ForgetPlacements } from "./application/forget-placements.js";
import { JobEngine } from "./application/job-engine.js";
import { JobFeed } from "./application/job-feed.js";
import { JobTimer } from "./application/job-timer.js";
import { JoinProvider } from "./application/join-provider.use-case.js";
import type { MarketSettings } from "./application/market.js";
import { MarketUpkeep } from "./application/market-upkeep.js";
import { PlaceJob } from "./application/place-job.use-case.js";
import { PlaceJobOnProvider } from "./application/place-job-on-provider.js";
import { PrepareJob } from "./application/prepare-job.use-case.js";
import { Pricing } from "./application/pricing.js";
import { ProofWatches } from "./application/proof-watches.js";
import { ProveResult } from "./application/prove-result.js";
import { ProviderWatch } from "./application/provider-watch.js";
import { ProviderWork } from "./application/provider-work.use-case.js";
import { QuoteJob } from "./application/quote-job.use-case.js";
import { RegistrationRate } from "./application/registration-rate.js";
import { VerificationOffers } from "./application/verification-offers.js";
import { WatchJob } from "./application/watch-job.js";
import { WriteToChain } from "./application/write-to-chain.js";
import { type ComputeSettings, placementPolicy, REQUIRED_MEMORY_BYTES, type settings } from "./config.js";
import { leaseKey, ProviderMarket } from "./domain/provider-market.js";
import { metrics } from "./metrics.js";
import {
  CHAIN_WRITER,
  CLOCK,
  JOB_STORE,
  LINK_IDENTITY,
  LINK_SETTINGS,
  PROVIDER_LINKS,
  PROVIDER_STORE,
} from "./tokens.js";

type Context = ServiceContext<typeof settings>;

class ComputeModule {}

/** The composition root. */
export async function computeModule(context: Context): Promise<DynamicModule> {
  // Replicas and contracts agree on one time: a job's deadlines are the chain's.
  const base: Base = { context, clock: chainTimeOf(context), market: marketSettings(context.settings) };
  const peers = peersOf(base);
  const market = marketOf(base, peers);
  const orders = ordersOf(base, peers, market);
  observe(market, orders);
  const history = new ForgetPlacements(
    market.jobs,
    base.clock,
    context.settings.PLACEMENT_HISTORY,
    context.logger,
  );
  context.onShutdown("job engine", async () => {
    market.watch.stop();
    await history.close();
    await market.timer.close();
    await market.engine.close();
  });
  // Nothing moves before the market is loaded: from then on it follows every change.
  market.watch.start(await market.providers.load());
  market.timer.start();
  history.start();
  return {
    module: ComputeModule,
    controllers: [JobController, MarketController, ProviderLinkController, ChainEventsConsumer],
    providers: [...portsOf(base, peers, market), ...useCasesOf(base, peers, market, orders)],
  };
}

interface Base {
  readonly context: Context;
  readonly clock: Clock;
  readonly market: MarketSettings;
}

type Peers = ReturnType<typeof peersOf>;
type Market = ReturnType<typeof marketOf>;
type Orders = ReturnType<typeof ordersOf>;

/** The services and the node that are asked. */
function peersOf({ context, clock }: Base) {
  const { settings: values } = context;
  return {
    chain: new EconomyChainWriter(
      context.grpcClient(EconomyServiceService, "ECONOMY_GRPC_URL"),
      { escrowCall, registerCall },
      clock,
    ),
    reader: new JsonRpcChainReader(values.CHAIN_RPC_URL, values.CHAIN_RPC_TIMEOUT),
    models: new MarketplaceModelCatalogue(
      context.grpcClient(MarketplaceServiceService, "MARKETPLACE_GRPC_URL"),
    ),
    prover: new ZkProver(context.grpcClient(ProverServiceService, "ZK_PROVER_GRPC_URL")),
    vault: new StorageInputVault(
      context.grpcClient(ContentServiceService, "STORAGE_GRPC_URL"),
      context.grpcClient(ContentKeyServiceService, "STORAGE_GRPC_URL"),
      systemRng,
    ),
  };
}

/** Jobs and providers, and what moves them: each tells the others of its changes. */
function marketOf({ context, clock, market }: Base, { chain, reader, prover }: Peers) {
  const { settings: values, logger } = context;
  const stepPolicy = { clockMarginMs: values.CLOCK_MARGIN, deliverMarginMs: values.DELIVER_MARGIN };
  const prisma = createPrisma(values.DATABASE_URL, values.DATABASE_POOL_MAX);
  context.onShutdown("database client", () => prisma.$disconnect());
  const feed = new JobFeed();
  const providerMarket = new ProviderMarket(market.policy);
  const providers = new MarketUpkeep(
    new PrismaProviderStore(prisma, context.pool, clock),
    providerMarket,
    clock,
  );
  const jobs = new PrismaJobStore(
    prisma,
    context.pool,
    clock,
    stepPolicy,
    ({ before, job, wakeAt, fault }) => {
      providerMarket.followJob(before, job, clock.now());
      if (fault !== undefined)
        providerMarket.faulted(fault.provider, leaseKey(job.jobId, fault.fencingToken), fault.atMs);
      feed.changed(job);
      if (wakeAt === undefined) return;
      if (wakeAt > clock.now()) timer.due(wakeAt);
      else engine.advance(job.jobId);
    },
  );
  const hub = new ProviderLinkHub(
    (provider: Address) => {
      providerMarket.came(provider, clock.now());
      engine.placeWaiting();
    },
    (provider: Address) => {
      providerMarket.left(provider, clock.now());
      watch.offline(provider);
    },
  );
  const writes = new WriteToChain(jobs, chain, clock);
  const proofs = new ProveResult(jobs, prover, clock);
  const placement = new PlaceJobOnProvider(jobs, providerMarket, hub, clock, market);
  const engine = new JobEngine(
    jobs,
    { chain: writes, placement, proof: proofs, draw: new DrawSample(jobs, reader, clock) },
    hub,
    clock,
    stepPolicy,
    logger,
  );
  const timer = new JobTimer(jobs, clock, (jobId: JobId) => engine.advance(jobId), logger);
  const work = new ProviderWork(jobs, hub, engine, clock);
  const watch = new ProviderWatch(
    hub,
    clock,
    values.PROVIDER_GRACE,
    (provider) => work.vanished(provider),
    logger,
  );
  return { jobs, feed, providers, providerMarket, hub, writes, proofs, engine, timer, work, watch };
}

/** What buyers are quoted and may order. */
function ordersOf({ context, clock, market }: Base, peers: Peers, { jobs, providerMarket }: Market) {
  const { settings: values } = context;
  const { chain, reader, models, vault } = peers;
  const pricing = new Pricing(providerMarket, clock, market);
  const offers = new VerificationOffers(peers.prover, pricing, values.SAMPLE_SHARE_BPS);
  const admission = new Admission(
    {
      atOnce: values.ORDERS_AT_ONCE,
      mostWaiting: values.ORDERS_WAITING,
      longestWaitMs: values.ORDER_TURN_WITHIN,
    },
    clock,
  );
  const prepareJob = new PrepareJob(
    { jobs, chain, reader, models, offers, vault, pricing, clock, rng: systemRng },
    orderSettings(values),
    market,
  );
  return { pricing, offers, admission, prepareJob };
}

function observe({ jobs, hub, providerMarket, engine }: Market, { admission }: Orders): void {
  metrics.ordersAdmitted.observe(() => admission.size);
  metrics.providersOnline.observe(() => hub.size);
  metrics.providersKnown.observe(() => providerMarket.size);
  metrics.jobsMoving.observe(() => engine.busy);
  metrics.jobsWaiting.observe(async () => (await jobs.countByState()).get("funded") ?? 0);
}

function portsOf({ context, clock }: Base, { chain }: Peers, { jobs, providers, hub }: Market): Provider[] {
  return [
    value(CLOCK, clock),
    value(JOB_STORE, jobs),
    value(PROVIDER_STORE, providers),
    value(PROVIDER_LINKS, hub),
    value(CHAIN_WRITER, chain),
    value(LINK_IDENTITY, context.identity),
    value(LINK_SETTINGS, linkSettings(context.settings)),
    value(HandshakeRoom, new HandshakeRoom(context.settings.MAX_HANDSHAKES)),
  ];
}

function useCasesOf(
  { context, clock }: Base,
  { chain, reader, models, prover }: Peers,
  market: Market,
  { pricing, offers, admission, prepareJob }: Orders,
): Provider[] {
  const { jobs, hub, engine, providers } = market;
  return [
    value(Admission, admission),
    value(QuoteJob, new QuoteJob(chain, models, offers, pricing)),
    value(PrepareJob, prepareJob),
    value(PlaceJob, new PlaceJob(jobs, chain, reader, clock)),
    value(AcceptJob, new AcceptJob(jobs, clock)),
    value(ExplainPlacement, new ExplainPlacement(jobs)),
    value(CheckLease, new CheckLease(jobs, clock)),
    value(
      JoinProvider,
      new JoinProvider(
        providers,
        chain,
        reader,
        clock,
        systemRng,
        new RegistrationRate(context.settings.REGISTRATIONS_PER_MINUTE, () => clock.now()),
      ),
    ),
    value(FollowEscrow, new FollowEscrow(jobs, hub, engine, clock)),
    value(ProviderWork, market.work),
    value(ProviderMarket, market.providerMarket),
    value(WriteToChain, market.writes),
    value(ProveResult, market.proofs),
    value(JobEngine, engine),
    value(WatchJob, new WatchJob(jobs, market.feed, new ProofWatches(prover, clock))),
  ];
}

function value(provide: InjectionToken, useValue: unknown): Provider {
  return { provide, useValue };
}

function marketSettings(values: ComputeSettings): MarketSettings {
  return {
    policy: placementPolicy(values),
    requiredMemoryBytes: REQUIRED_MEMORY_BYTES,
    offerTimeoutMs: values.OFFER_TIMEOUT,
    acceptWithinSeconds: Math.ceil(values.ACCEPT_WITHIN / 1_000),
    restMs: values.PROVIDER_REST,
    placementRetryMs: values.PLACEMENT_RETRY,
  };
}

function orderSettings(values: ComputeSettings): ConstructorParameters<typeof PrepareJob>[1] {
  const seconds = (ms: number): number => Math.ceil(ms / 1_000);
  return {
    leaseWithinSeconds: seconds(values.LEASE_WITHIN),
    deliverWithinSeconds: {
      training: seconds(values.DELIVER_WITHIN_TRAINING),
      inference: seconds(values.DELIVER_WITHIN_INFERENCE),
    },
    settleWithinSeconds: seconds(values.SETTLE_WITHIN),
  };
}

function linkSettings(values: ComputeSettings): {
  heartbeatIntervalMs: number;
  serverNames: readonly string[];
  handshakeStepMs: number;
  handshakeTimeoutMs: number;
  sessionTokenLifetimeMs: number;
  storageUrl: string;
} {
  return {
    heartbeatIntervalMs: values.HEARTBEAT_INTERVAL,
    serverNames: values.PROVIDER_LINK_NAMES,
    handshakeStepMs: values.HANDSHAKE_STEP_TIMEOUT,
    handshakeTimeoutMs: values.HANDSHAKE_TIMEOUT,
    sessionTokenLifetimeMs: values.SESSION_TOKEN_LIFETIME,
    storageUrl: values.STORAGE_PUBLIC_URL === "none" ? values.STORAGE_GRPC_URL : values.STORAGE_PUBLIC_URL,
  };
}
