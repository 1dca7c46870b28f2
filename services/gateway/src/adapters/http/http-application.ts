import type { DynamicModule } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { FastifyAdapter, type NestFastifyApplication } from "@nestjs/platform-fastify";
import { addRequestHooks } from "./request-hooks.js";
import { loadStaticFiles, serveStaticFiles } from "./static-files.js";

export interface HttpApplicationOptions {
  readonly jsonMaxBytes: number;
  readonly corsOrigins: readonly string[];
  readonly studioDirectory: string | undefined;
  /** Addresses and ranges of proxies that are believed where a request comes from. */
  readonly trustedProxies: readonly string[];
}

/** The HTTP server with everything but its address: hooks, parsers, routes, files. */
export async function createHttpApplication(
  module: DynamicModule,
  options: HttpApplicationOptions,
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: options.jsonMaxBytes,
    trustProxy: options.trustedProxies.length === 0 ? false : [...options.trustedProxies],
    // Time for the whole request to arrive; answers have no such limit, streams may be long.
    requestTimeout: 120_000,
    // Clients are told and close their own end first; a drain that waits as long cuts nobody's next request.
    keepAliveTimeout: 10_000,
    forceCloseConnections: "idle",
    return503OnClosing: false,
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: 256 },
  });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    bufferLogs: true,
    abortOnError: false,
  });
  const fastify = app.getHttpAdapter().getInstance();
  addRequestHooks(fastify, options.corsOrigins);
  // Contents stay streams: the handler counts and forwards them.
  fastify.addContentTypeParser("application/octet-stream", (_request, payload, done) => done(null, payload));
  if (options.studioDirectory !== undefined)
    serveStaticFiles(fastify, await loadStaticFiles(options.studioDirectory));
  return app;
}
