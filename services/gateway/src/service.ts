import type { ServiceOptions } from "@aios/service-kit/service-options";
import { createHttpApplication } from "./adapters/http/http-application.js";
import { gatewayModule } from "./app.module.js";
import { gatewaySettings } from "./config.js";
import { gatewayParts } from "./gateway-parts.js";

// From the build output (dist/src) as from the source (src).
const packageRoot = import.meta.url.includes("/dist/src/") ? "../../" : "../";

/** The gateway as the service kit runs it: HTTP in front, gRPC clients behind, a database of its own. */
export const gatewayService: ServiceOptions<typeof gatewaySettings> = {
  name: "gateway",
  settings: gatewaySettings,
  migrationsDir: new URL(`${packageRoot}prisma/migrations/`, import.meta.url),
  module: async (context) => gatewayModule(await gatewayParts(context)),
  http: {
    create: (module, { settings }) =>
      createHttpApplication(module, {
        jsonMaxBytes: settings.GATEWAY_JSON_MAX,
        corsOrigins: settings.GATEWAY_CORS_ORIGINS,
        studioDirectory: settings.GATEWAY_STUDIO_DIR,
        trustedProxies: settings.GATEWAY_TRUSTED_PROXIES,
      }),
    listen: ({ settings }) => settings.GATEWAY_HTTP_LISTEN,
  },
};
