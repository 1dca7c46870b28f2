// What the gateway is built on, and no more: Fastify, with an answer in memory and with the gateway's own call behind.
import { MarketplaceServiceService } from "@aios/proto/aios/marketplace/v1/marketplace";
import { createGrpcClient } from "@aios/service-kit/grpc-client";
import { loadTokenIssuer } from "@aios/service-kit/service-token";
import Fastify from "fastify";

const PAGE = 50;
const [, , marketplaceUrl = "", keyFile = ""] = process.argv;
const marketplace = createGrpcClient(MarketplaceServiceService, marketplaceUrl, {
  audience: "marketplace",
  identity: await loadTokenIssuer("gateway", keyFile),
});
const ask = (): Promise<unknown> => marketplace.listModels({ pageSize: PAGE, pageToken: "" });
const inMemory = await ask();
const app = Fastify({ forceCloseConnections: true });
app.get("/memory", () => inMemory);
app.get("/call", ask);
process.send?.(await app.listen({ host: "127.0.0.1", port: 0 }));
process.once("message", () => {
  void app.close().then(() => {
    marketplace[Symbol.dispose]();
    process.disconnect();
  });
});
