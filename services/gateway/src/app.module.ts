import type { Clock } from "@aios/kernel/clock";
import type { Rng } from "@aios/kernel/random";
import type { Logger } from "@aios/service-kit/logger";
import type { RateLimiter } from "@aios/service-kit/rate-limiter";
import type { DynamicModule } from "@nestjs/common";
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from "@nestjs/core";
import type { PrismaClient } from "../generated/prisma/client.js";
import { HttpRpcNode } from "./adapters/chain/http-rpc-node.js";
import { API_DOCUMENTS } from "./adapters/http/controllers/docs.controller.js";
import { CONTROLLERS } from "./adapters/http/controllers.js";
import type { DocumentLimits } from "./adapters/http/graphql/document-cost.js";
import { type DocumentSettings, Documents } from "./adapters/http/graphql/documents.js";
import { GraphExecution } from "./adapters/http/graphql/graph-execution.js";
import { graphSchema } from "./adapters/http/graphql/graph-schema.js";
import { docsPage } from "./adapters/http/openapi/docs-page.js";
import { openApiDocument, routesOf } from "./adapters/http/openapi/openapi-document.js";
import { AccessGuard } from "./adapters/http/pipeline/access.guard.js";
import { OperationInterceptor } from "./adapters/http/pipeline/operation.interceptor.js";
import { OperationRunner } from "./adapters/http/pipeline/operation-runner.js";
import { ProblemFilter } from "./adapters/http/pipeline/problem.filter.js";
import { RateGate } from "./adapters/http/pipeline/rate-gate.js";
import { GRAPH, HTTP_SETTINGS, type HttpSettings, LOGGER, RATE_LIMITER } from "./adapters/http/tokens.js";
import {
  type IdempotencySettings,
  PrismaIdempotencyStore,
} from "./adapters/prisma/prisma-idempotency.repository.js";
import { PrismaSessionStore } from "./adapters/prisma/prisma-session.repository.js";
import { DEMO_ACCOUNT, type DemoOffer } from "./application/demo-account.js";
import { JobWatches } from "./application/job-watches.js";
import { JsonRpcPassthrough } from "./application/json-rpc-passthrough.use-case.js";
import { OperationsMonitor } from "./application/operations-monitor.js";
import * as peers from "./application/peers.js";
import { type PlatformProbe, PlatformStatus } from "./application/platform-status.use-case.js";
import { ReadTrace } from "./application/read-trace.use-case.js";
import { RunOnce } from "./application/run-once.use-case.js";
import { SignIn, type SignInSettings } from "./application/sign-in.use-case.js";
import type { AccessTokens } from "./domain/ports.js";

export interface Peers {
  readonly compute: peers.ComputePeer;
  readonly economy: peers.EconomyPeer;
  readonly marketplace: peers.MarketplacePeer;
  readonly prover: peers.ProverPeer;
  readonly scoring: peers.ScoringPeer;
  readonly content: peers.ContentPeer;
  readonly contentKeys: peers.ContentKeyPeer;
}

export interface GatewayParts {
  readonly peers: Peers;
  readonly monitor: OperationsMonitor;
  readonly prisma: PrismaClient;
  readonly tokens: AccessTokens;
  readonly limiter: RateLimiter;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly probes: readonly PlatformProbe[];
  readonly demo: DemoOffer;
  readonly signIn: SignInSettings;
  readonly idempotency: IdempotencySettings;
  readonly http: HttpSettings;
  readonly graph: GraphParts;
}

export interface GraphParts extends DocumentLimits {
  readonly documents: DocumentSettings;
}

class GatewayModule {}

/** The one place where the gateway's parts are put together. */
export function gatewayModule(parts: GatewayParts): DynamicModule {
  const { clock, http, prisma } = parts;
  const sessions = new PrismaSessionStore(prisma);
  const runOnce = new RunOnce(new PrismaIdempotencyStore(prisma, parts.idempotency), clock);
  const chainId = async (): Promise<number> =>
    (await parts.peers.economy.getProtocol({}, { deadlineMs: 5_000 })).chainId;
  const signIn = new SignIn(sessions, sessions, parts.tokens, chainId, clock, parts.rng, parts.signIn);
  const node = new HttpRpcNode({
    url: http.rpcUrl,
    timeoutMs: http.rpcTimeoutMs,
    maxAnswerBytes: http.rpcMaxAnswerBytes,
  });
  const values: readonly [unknown, unknown][] = [
    [peers.COMPUTE, parts.peers.compute],
    [peers.ECONOMY, parts.peers.economy],
    [peers.MARKETPLACE, parts.peers.marketplace],
    [peers.PROVER, parts.peers.prover],
    [peers.SCORING, parts.peers.scoring],
    [peers.CONTENT, parts.peers.content],
    [peers.CONTENT_KEYS, parts.peers.contentKeys],
    [SignIn, signIn],
    [JobWatches, new JobWatches(parts.peers.compute, http.sseMaxPerAccount)],
    [RunOnce, runOnce],
    [PlatformStatus, new PlatformStatus(parts.probes, clock, http.version)],
    [OperationsMonitor, parts.monitor],
    [ReadTrace, new ReadTrace(parts.monitor.sources)],
    [JsonRpcPassthrough, new JsonRpcPassthrough(node, http.rpcMaxBatch)],
    [RATE_LIMITER, parts.limiter],
    [DEMO_ACCOUNT, parts.demo],
    [GRAPH, graphExecution(parts)],
    [HTTP_SETTINGS, http],
    [LOGGER, parts.logger],
    [
      API_DOCUMENTS,
      {
        openApi: openApiDocument(CONTROLLERS, http.version),
        page: docsPage(routesOf(CONTROLLERS), http.version),
      },
    ],
  ];
  return {
    module: GatewayModule,
    controllers: [...CONTROLLERS],
    providers: [
      ...values.map(([provide, useValue]) => ({ provide: provide as symbol, useValue })),
      RateGate,
      OperationRunner,
      { provide: APP_GUARD, useClass: AccessGuard },
      { provide: APP_INTERCEPTOR, useClass: OperationInterceptor },
      { provide: APP_FILTER, useClass: ProblemFilter },
    ],
  };
}

/** Throws where a registered document could not be executed: a gateway that would refuse all of them does not start. */
function graphExecution({ graph, http, logger }: GatewayParts): GraphExecution {
  const settings = { maxDepth: graph.maxDepth, maxCost: graph.maxCost, explorer: http.graphExplorer };
  const execution = new GraphExecution(
    graphSchema(routesOf(CONTROLLERS)),
    new Documents(graph.documents),
    settings,
    logger,
  );
  for (const [id, text] of graph.documents.registered) execution.checkRegistered(id, text);
  return execution;
}
