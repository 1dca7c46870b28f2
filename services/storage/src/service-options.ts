import { ContentKeyServiceService, ContentServiceService } from "@aios/proto/aios/storage/v1/storage";
import type { ServiceOptions } from "@aios/service-kit/service-options";
import { storageModule } from "./app.module.js";
import { storageSettings } from "./config.js";

export const storageOptions: ServiceOptions<typeof storageSettings> = {
  name: "storage",
  settings: storageSettings,
  migrationsDir: new URL("../../prisma/migrations/", import.meta.url),
  grpc: { services: [ContentServiceService, ContentKeyServiceService] },
  module: storageModule,
};
