import { readFile } from "node:fs/promises";
import { CodedError } from "@aios/kernel/coded-error";
import type { DurationMs } from "@aios/kernel/units";
import { ComputeServiceService } from "@aios/proto/aios/compute/v1/compute";
import { ConsensusServiceService } from "@aios/proto/aios/consensus/v1/consensus";
import { EconomyServiceService } from "@aios/proto/aios/economy/v1/economy";
import { MarketplaceServiceService } from "@aios/proto/aios/marketplace/v1/marketplace";
import { ProverServiceService } from "@aios/proto/aios/prover/v1/prover";
import { ScoringServiceService } from "@aios/proto/aios/scoring/v1/scoring";
import { ContentKeyServiceService, ContentServiceService } from "@aios/proto/aios/storage/v1/storage";
import { TelemetryServiceService } from "@aios/proto/aios/telemetry/v1/telemetry";
import type { Settings } from "@aios/service-kit/config";
import type { Logger } from "@aios/service-kit/logger";
import { MemoryRateLimiter } from "@aios/service-kit/memory-rate-limiter";
import type { RateLimiter } from "@aios/service-kit/rate-limiter";
import { RedisConnection } from "@aios/service-kit/redis-connection";
import { RedisRateLimiter } from "@aios/service-kit/redis-rate-limiter";
import type { ServiceContext } from "@aios/service-kit/service-context";
import { startFailure } from "@aios/service-kit/start-failure";
import { systemRng } from "@aios/service-kit/system-rng";
import { PrismaPg } from "@prisma/adapter-pg";
import { Wallet } from "ethers/wallet";
import { type CryptoKey, importJWK, type JWK } from "jose";
import { PrismaClient } from "../generated/prisma/client.js";
import { registeredDocuments } from "./adapters/file/registered-documents.js";
import { ownSource, peerSource } from "./adapters/grpc/process-sources.js";
import { PrismaIdempotencyStore } from "./adapters/prisma/prisma-idempotency.repository.js";
import { PrismaSessionStore } from "./adapters/prisma/prisma-session.repository.js";
import { JwtAccessTokens } from "./adapters/tokens/jwt-access-tokens.js";
import type { GatewayParts, GraphParts, Peers } from "./app.module.js";
import type { DemoOffer } from "./application/demo-account.js";
import { OperationsMonitor } from "./application/operations-monitor.js";
import type { gatewaySettings } from "./config.js";
import { isLoopback } from "./domain/loopback.js";
import type { Housekeeping } from "./domain/ports.js";
import type { ProcessSource } from "./domain/process-source.js";
import { metrics } from "./metrics.js";
import { platformProbes } from "./platform-probes.js";

export const GATEWAY_VERSION = "0.1.0";
const HOUSEKEEPING_INTERVAL_MS = 60_000 as DurationMs;

/** Everything that the gateway's module is made of, from its settings. */
export async function gatewayParts(context: ServiceContext<typeof gatewaySettings>): Promise<GatewayParts> {
  const { clock, logger, settings } = context;
  const prisma = new PrismaClient({
    adapter: new PrismaPg({
      connectionString: settings.DATABASE_URL,
      max: settings.DATABASE_POOL_MAX,
      connectionTimeoutMillis: 5_000,
    }),
  });
  context.onShutdown("prisma", () => prisma.$disconnect());
  const idempotency = {
    claimMs: settings.GATEWAY_IDEMPOTENCY_CLAIM,
    keepMs: settings.GATEWAY_IDEMPOTENCY_KEEP,
  };
  const house = keepHouse(
    [new PrismaSessionStore(prisma), new PrismaIdempotencyStore(prisma, idempotency)],
    context,
  );
  context.onShutdown("housekeeping", () => house);
  const peers: Peers = {
    compute: context.grpcClient(ComputeServiceService, "COMPUTE_GRPC_URL"),
    economy: context.grpcClient(EconomyServiceService, "ECONOMY_GRPC_URL"),
    marketplace: context.grpcClient(MarketplaceServiceService, "MARKETPLACE_GRPC_URL"),
    prover: context.grpcClient(ProverServiceService, "ZK_PROVER_GRPC_URL"),
    scoring: context.grpcClient(ScoringServiceService, "SCORING_GRPC_URL"),
    content: context.grpcClient(ContentServiceService, "STORAGE_GRPC_URL"),
    contentKeys: context.grpcClient(ContentKeyServiceService, "STORAGE_GRPC_URL"),
  };
  const domains = settings.GATEWAY_SIGN_IN_DOMAINS;
  const monitor = new OperationsMonitor(processSources(context), clock);
  const watching = monitor.run(context.draining);
  context.onShutdown("operations", () => watching);
  return {
    peers,
    monitor,
    prisma,
    tokens: await accessTokens(settings.AIOS_SERVICE_KEY_FILE, context),
    limiter: await rateLimiter(settings.REDIS_URL, context),
    clock,
    rng: systemRng,
    logger,
    probes: platformProbes(peers, context.grpcClient(ConsensusServiceService, "CONSENSUS_GRPC_URL")),
    demo: await demoAccount(settings.DEMO_BUYER_KEY_FILE, settings.GATEWAY_HTTP_LISTEN.host),
    signIn: {
      domains: domains.length > 0 ? domains : localDomains(settings.GATEWAY_HTTP_LISTEN.port),
      nonceLifetimeMs: settings.GATEWAY_NONCE_LIFETIME,
      sessionLifetimeMs: settings.GATEWAY_SESSION_LIFETIME,
    },
    idempotency,
    http: {
      version: GATEWAY_VERSION,
      rateLimit: { capacity: settings.GATEWAY_RATE_BURST, refillPerSecond: settings.GATEWAY_RATE_PER_SECOND },
      operators: {
        accounts: new Set(settings.GATEWAY_OPERATORS.map((account) => account.toLowerCase())),
        listenHost: settings.GATEWAY_HTTP_LISTEN.host,
        loopbackOperator: settings.GATEWAY_LOOPBACK_OPERATOR,
      },
      contentMaxBytes: settings.GATEWAY_CONTENT_MAX,
      sseHeartbeatMs: settings.GATEWAY_SSE_HEARTBEAT,
      sseMaxPerAccount: settings.GATEWAY_SSE_MAX_PER_ACCOUNT,
      draining: context.draining,
      rpcUrl: settings.CHAIN_RPC_URL,
      rpcTimeoutMs: settings.GATEWAY_RPC_TIMEOUT,
      // A call of a batch costs what a single one costs: what a full bucket cannot pay for would never be let through.
      rpcMaxBatch: Math.min(settings.GATEWAY_RPC_MAX_BATCH, settings.GATEWAY_RATE_BURST),
      rpcMaxAnswerBytes: settings.GATEWAY_RPC_MAX_ANSWER,
      graphExplorer: settings.GATEWAY_GRAPHQL_EXPLORER,
    },
    graph: await graphParts(settings),
  };
}

async function graphParts(settings: Settings<typeof gatewaySettings>): Promise<GraphParts> {
  const registered = await registeredDocuments(settings.GATEWAY_GRAPHQL_DOCUMENTS_FILE);
  if (settings.GATEWAY_GRAPHQL_REGISTERED_ONLY && registered.size === 0) {
    throw new CodedError({
      code: "no-registered-documents",
      kind: "invalid",
      message:
        "GATEWAY_GRAPHQL_REGISTERED_ONLY is true, but GATEWAY_GRAPHQL_DOCUMENTS_FILE names no documents: nothing could be executed.",
    });
  }
  return {
    maxDepth: settings.GATEWAY_GRAPHQL_MAX_DEPTH,
    // What a full bucket cannot pay for, after the token for reading the document, would never be let through.
    maxCost: Math.max(1, Math.min(settings.GATEWAY_GRAPHQL_MAX_COST, settings.GATEWAY_RATE_BURST - 1)),
    documents: {
      maxBytes: settings.GATEWAY_GRAPHQL_MAX_DOCUMENT,
      mostPersisted: settings.GATEWAY_GRAPHQL_PERSISTED,
      registered,
      registeredOnly: settings.GATEWAY_GRAPHQL_REGISTERED_ONLY,
    },
  };
}

const PEERS = [
  "CONSENSUS_GRPC_URL",
  "STORAGE_GRPC_URL",
  "COMPUTE_GRPC_URL",
  "ZK_PROVER_GRPC_URL",
  "MARKETPLACE_GRPC_URL",
  "ECONOMY_GRPC_URL",
  "SCORING_GRPC_URL",
] as const;

/** Every service as the page of operations asks it, the gateway itself first. */
function processSources(context: ServiceContext<typeof gatewaySettings>): readonly ProcessSource[] {
  const peers = PEERS.map((setting) => {
    const name = setting.replace("_GRPC_URL", "").toLowerCase().replaceAll("_", "-");
    return peerSource(name, context.grpcClient(TelemetryServiceService, setting));
  });
  return [ownSource(context.name, context.telemetry), ...peers];
}

/** Over all gateways where they share a Redis, else in each by itself. */
async function rateLimiter(
  redisUrl: string | undefined,
  context: ServiceContext<typeof gatewaySettings>,
): Promise<RateLimiter> {
  if (redisUrl === undefined) return new MemoryRateLimiter(context.clock);
  const redis = new RedisConnection({ url: redisUrl, applicationName: context.name, logger: context.logger });
  context.onShutdown("redis", () => redis.close());
  await redis.ping().catch((error: unknown) => {
    throw startFailure("REDIS_URL", error);
  });
  return new RedisRateLimiter(redis);
}

/** Access tokens are signed with the service's own key; audience and type keep them apart from service tokens. */
async function accessTokens(
  keyFile: string,
  { clock }: { clock: GatewayParts["clock"] },
): Promise<JwtAccessTokens> {
  const { d, ...open } = JSON.parse(await readFile(keyFile, "utf8")) as JWK;
  const signingKey = (await importJWK({ ...open, ...(d === undefined ? {} : { d }) }, "EdDSA")) as CryptoKey;
  return new JwtAccessTokens(signingKey, (await importJWK(open, "EdDSA")) as CryptoKey, clock);
}

async function demoAccount(keyFile: string | undefined, host: string): Promise<DemoOffer> {
  if (keyFile === undefined) return "none";
  if (!isLoopback(host)) return "not-local";

  const text = (await readFile(keyFile, "utf8")).trim();
  const privateKey = text.startsWith("0x") ? text : `0x${text}`;
  if (!/^0x[0-9a-fA-F]{64}$/.test(privateKey)) {
    throw new CodedError({
      code: "bad-key-file",
      kind: "invalid",
      message: `DEMO_BUYER_KEY_FILE names ${keyFile}, but it does not hold 32 bytes of hex.`,
    });
  }
  return { privateKey, account: new Wallet(privateKey).address.toLowerCase() };
}

function localDomains(port: number): readonly string[] {
  return [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`];
}

interface HouseContext {
  readonly clock: GatewayParts["clock"];
  readonly logger: Logger;
  readonly draining: AbortSignal;
}

async function keepHouse(
  stores: readonly Housekeeping[],
  { clock, logger, draining }: HouseContext,
): Promise<void> {
  while (!draining.aborted) {
    try {
      for (const store of stores) metrics.expiredRows.add(await store.removeExpired(clock.now()));
    } catch (error) {
      logger.warn({ error }, "expired rows could not be removed; the next round tries again");
    }
    await clock.wait(HOUSEKEEPING_INTERVAL_MS, draining).catch(() => undefined);
  }
}
