import { MarketplaceServiceService } from "@aios/proto/aios/marketplace/v1/marketplace";
import { runService } from "@aios/service-kit/service";
import { marketplaceModule } from "./app.module.js";
import { settings } from "./config.js";

await runService({
  name: "marketplace",
  settings,
  migrationsDir: new URL("../../prisma/migrations/", import.meta.url),
  grpc: { services: [MarketplaceServiceService] },
  consumers: true,
  module: marketplaceModule,
});
