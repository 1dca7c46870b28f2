import { ConsensusServiceService } from "@aios/proto/aios/consensus/v1/consensus";
import type { ServiceOptions } from "@aios/service-kit/service-options";
import { consensusModule } from "./app.module.js";
import { consensusSettings } from "./config.js";

export const consensusOptions: ServiceOptions<typeof consensusSettings> = {
  name: "consensus",
  settings: consensusSettings,
  grpc: { services: [ConsensusServiceService] },
  module: consensusModule,
};
