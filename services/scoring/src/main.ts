import { ScoringServiceService } from "@aios/proto/aios/scoring/v1/scoring";
import { runService } from "@aios/service-kit/service";
import { scoringModule } from "./app.module.js";
import { settings } from "./config.js";

await runService({
  name: "scoring",
  settings,
  migrationsDir: new URL("../../prisma/migrations/", import.meta.url),
  grpc: { services: [ScoringServiceService] },
  consumers: true,
  module: scoringModule,
});
