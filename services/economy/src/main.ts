import { EconomyServiceService } from "@aios/proto/aios/economy/v1/economy";
import { runService } from "@aios/service-kit/service";
import { economyModule } from "./app.module.js";
import { settings } from "./config.js";

await runService({
  name: "economy",
  settings,
  migrationsDir: new URL("../../prisma/migrations/", import.meta.url),
  grpc: { services: [EconomyServiceService] },
  module: economyModule,
});
