import { ComputeServiceService, ProviderLinkServiceService } from "@aios/proto/aios/compute/v1/compute";
import { runService } from "@aios/service-kit/service";
import { computeModule } from "./app.module.js";
import { settings } from "./config.js";

await runService({
  name: "compute",
  settings,
  migrationsDir: new URL("../../prisma/migrations", import.meta.url),
  grpc: { services: [ComputeServiceService, ProviderLinkServiceService] },
  consumers: true,
  module: computeModule,
});
