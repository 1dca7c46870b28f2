import { toCodedError } from "@aios/kernel/coded-error";
import type { Job } from "@aios/proto/aios/compute/v1/compute";
import { Controller, Get, Header, Inject, Post, Req, Res } from "@nestjs/common";
import { ModuleRef } from "@nestjs/core";
import { type FormattedExecutionResult, OperationTypeNode } from "graphql";
import { z } from "zod";
import { type JobWatch, JobWatches } from "../../../application/job-watches.js";
import { SignIn } from "../../../application/sign-in.use-case.js";
import { notFound } from "../../../domain/errors.js";
import { metrics } from "../../../metrics.js";
import { EXPLORER_SCRIPT, explorerPage } from "../graphql/explorer-page.js";
import { acceptsEventStream, mediaTypeOf } from "../graphql/graph-answer.js";
import { streamNotAccepted } from "../graphql/graph-errors.js";
import type { GraphExecution, GraphRequest, PreparedDocument } from "../graphql/graph-execution.js";
import { graphError } from "../graphql/graph-problems.js";
import type { GraphContext } from "../graphql/graph-schema.js";
import { OperationCalls } from "../graphql/operation-calls.js";
import { type GatewayReply, type GatewayRequest, sessionOf } from "../pipeline/gateway-request.js";
import { checkOpenSession } from "../pipeline/open-session.js";
import { Operation } from "../pipeline/operation.js";
import { OperationRunner } from "../pipeline/operation-runner.js";
import { RateGate } from "../pipeline/rate-gate.js";
import {
  eventFrame,
  HEARTBEAT_FRAME,
  sendEventStream,
  withHeartbeats,
} from "../pipeline/server-sent-events.js";
import { parsed } from "../pipeline/validation.js";
import { graphqlBody, graphqlRequest, graphqlView } from "../schemas/graphql.schemas.js";
import { GRAPH, HTTP_SETTINGS, type HttpSettings } from "../tokens.js";
import { isEnded, jobViewOf } from "../views/job.views.js";

const OPERATION = "callGraphql";

@Controller("graphql")
export class GraphqlController {
  constructor(
    @Inject(GRAPH) private readonly graph: GraphExecution,
    @Inject(ModuleRef) private readonly modules: ModuleRef,
    @Inject(OperationRunner) private readonly runner: OperationRunner,
    @Inject(RateGate) private readonly gate: RateGate,
    @Inject(JobWatches) private readonly watches: JobWatches,
    @Inject(SignIn) private readonly signIn: SignIn,
    @Inject(HTTP_SETTINGS) private readonly settings: HttpSettings,
  ) {}

  @Post()
  @Operation({
    id: OPERATION,
    summary: "GraphQL over the same operations: queries, mutations, and subscriptions as server-sent events",
    description:
      "Fields for accounts need a session, as over REST. The schema is `services/gateway/schema.graphql`. A document takes one call of the rate limit for being read, and its cost, which the answer's extensions tell. Streams follow the distinct connections mode of GraphQL over SSE.",
    tag: "graphql",
    access: "public",
    repetition: "harmless",
    body: graphqlBody,
    answer: graphqlView,
    problems: [403, 404, 413],
    reads: true,
  })
  async call(@Req() request: GatewayRequest, @Res() reply: GatewayReply): Promise<void> {
    const prepared = this.#prepare(request);
    const { cost, changes } = prepared;
    metrics.graphqlCost.record(cost, { kind: prepared.operation.operation });
    await this.gate.take(request.ip, { operation: OPERATION, cost, reads: !changes });
    if (prepared.operation.operation === OperationTypeNode.SUBSCRIPTION) {
      await this.#subscribe(prepared, request, reply);
      return;
    }
    const context: GraphContext = {
      ...this.#parts(prepared, request),
      watchJob: () => Promise.reject(streamNotAccepted()),
    };
    const result = await this.graph.run(prepared, context, request);
    if (acceptsEventStream(request)) sendEventStream(reply, single(result), () => undefined);
    else void reply.header("content-type", mediaTypeOf(request)).send(JSON.stringify(result));
  }

  @Get()
  @Header("content-type", "text/html; charset=utf-8")
  @Operation({
    id: "getGraphqlExplorer",
    summary: "A page to try GraphQL documents on, where the operator offers it",
    tag: "graphql",
    access: "public",
    answer: z.unknown(),
    answerType: "text/html",
    problems: [404],
  })
  explorer(): string {
    if (!this.settings.graphExplorer) throw notFound("page; this gateway offers no GraphQL explorer");
    return explorerPage(this.graph.schema);
  }

  @Get("explorer.js")
  @Header("content-type", "text/javascript; charset=utf-8")
  @Operation({
    id: "getGraphqlExplorerScript",
    summary: "Script of that page",
    tag: "graphql",
    access: "public",
    answer: z.unknown(),
    answerType: "text/html",
    problems: [404],
  })
  explorerScript(): string {
    if (!this.settings.graphExplorer) throw notFound("page; this gateway offers no GraphQL explorer");
    return EXPLORER_SCRIPT;
  }

  #prepare(request: GatewayRequest): PreparedDocument {
    try {
      return this.graph.prepare(graphRequestOf(request.body));
    } catch (error) {
      metrics.graphqlRefused.add(1, { code: toCodedError(error).code });
      throw error;
    }
  }

  #parts(prepared: PreparedDocument, request: GatewayRequest): Pick<GraphContext, "calls" | "budget"> {
    const reads = !prepared.changes;
    return {
      calls: new OperationCalls(this.modules, this.runner, request),
      budget: this.graph.budgetOf(prepared, (cost) =>
        this.gate.take(request.ip, { operation: OPERATION, cost, reads }),
      ),
    };
  }

  async #subscribe(prepared: PreparedDocument, request: GatewayRequest, reply: GatewayReply): Promise<void> {
    if (!acceptsEventStream(request)) throw streamNotAccepted();
    const ended = new AbortController();
    const { draining } = this.settings;
    const signal = AbortSignal.any([
      draining,
      ended.signal,
      ...(request.gone === undefined ? [] : [request.gone]),
    ]);
    const session = sessionOf(request);
    let watch: JobWatch | undefined;
    const context: GraphContext = {
      ...this.#parts(prepared, request),
      watchJob: async (jobId) => {
        watch = await this.watches.open(session.account, jobId.toLowerCase(), signal);
        return untilEnded(watch);
      },
    };
    const close = (): void => {
      ended.abort();
      watch?.close();
    };
    try {
      const results = await this.graph.watch(prepared, context, request);
      sendEventStream(reply, this.#frames(results, request, ended), close);
    } catch (error) {
      close();
      throw error;
    }
  }

  /** A stream that the caller or this gateway breaks off has no `complete`: clients then connect again. */
  async *#frames(
    results: AsyncIterator<FormattedExecutionResult>,
    request: GatewayRequest,
    ended: AbortController,
  ): AsyncGenerator<string> {
    const isGone = (): boolean => request.gone?.aborted === true || this.settings.draining.aborted;
    yield ": connected\n\n";
    try {
      for await (const result of withHeartbeats(results, this.settings.sseHeartbeatMs)) {
        if (isGone()) return;
        // The watch may wait long for its next change: it is ended before it is asked to close.
        await checkOpenSession(this.signIn, request).catch((error: unknown) => {
          ended.abort();
          throw error;
        });
        yield result === undefined ? HEARTBEAT_FRAME : eventFrame("next", JSON.stringify(result.value));
      }
    } catch (error) {
      if (isGone()) return;
      yield eventFrame("next", JSON.stringify({ errors: [graphError(toCodedError(error), request)] }));
    }
    if (!isGone()) yield eventFrame("complete", "");
  }
}

async function* single(result: FormattedExecutionResult): AsyncGenerator<string> {
  yield eventFrame("next", JSON.stringify(result));
  yield eventFrame("complete", "");
}

async function* untilEnded({ changes }: JobWatch): AsyncGenerator<Job | undefined> {
  try {
    for (;;) {
      const next = await changes.next();
      if (next.done === true) return;
      yield next.value;
      if (isEnded(jobViewOf(next.value).state)) return;
    }
  } finally {
    await changes.return?.();
  }
}

function graphRequestOf(body: unknown): GraphRequest {
  const { query, documentId, operationName, variables, extensions } = parsed(graphqlRequest, body, "invalid");
  return {
    query: query ?? undefined,
    documentId: documentId ?? undefined,
    sha256Hash: extensions?.persistedQuery?.sha256Hash,
    operationName: operationName ?? undefined,
    variables: variables ?? undefined,
  };
}
