import { ProverServiceService } from "@aios/proto/aios/prover/v1/prover";
import type { ServiceOptions } from "@aios/service-kit/service-options";
import { proverModule } from "./app.module.js";
import { proverSettings } from "./config.js";

export const proverOptions: ServiceOptions<typeof proverSettings> = {
  name: "zk-prover",
  settings: proverSettings,
  migrationsDir: new URL("../../prisma/migrations/", import.meta.url),
  grpc: { services: [ProverServiceService] },
  module: proverModule,
};
