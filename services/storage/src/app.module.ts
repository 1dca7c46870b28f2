import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { ComputeServiceService } from "@aios/proto/aios/compute/v1/compute";
import type { ServiceContext } from "@aios/service-kit/service-context";
import { systemKeyAgreement } from "@aios/service-kit/system-key-agreement";
import { systemRng } from "@aios/service-kit/system-rng";
import type { DynamicModule } from "@nestjs/common";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "../generated/prisma/client.js";
import { loadWrappingKey } from "./adapters/file/file-wrapping-key.js";
import { ContentController } from "./adapters/grpc/content.controller.js";
import { ContentKeyController } from "./adapters/grpc/content-key.controller.js";
import { GrpcLeaseChecker } from "./adapters/grpc/grpc-lease-checker.js";
import { PrismaContentRepository } from "./adapters/prisma/prisma-content.repository.js";
import { PrismaContentKeyRepository } from "./adapters/prisma/prisma-content-key.repository.js";
import { DepositKey } from "./application/deposit-key.use-case.js";
import { ListReleases } from "./application/list-releases.use-case.js";
import { PutContent } from "./application/put-content.use-case.js";
import { ReadContent } from "./application/read-content.use-case.js";
import { ReleaseKey } from "./application/release-key.use-case.js";
import { SweepContents } from "./application/sweep-contents.js";
import type { storageSettings } from "./config.js";
import { contentBackend } from "./content-backend.js";
import { metrics } from "./metrics.js";
import { WRAPPING_KEY } from "./tokens.js";

class StorageModule {}

/** The one place where storage's parts are put together. */
export async function storageModule(context: ServiceContext<typeof storageSettings>): Promise<DynamicModule> {
  const { settings, clock } = context;
  const directory = join(settings.AIOS_DATA_DIR, "storage");
  await mkdir(directory, { recursive: true });

  const { store, freeBytes } = await contentBackend(context, directory);
  metrics.freeDiskBytes.observe(freeBytes);

  const prisma = new PrismaClient({ adapter: new PrismaPg(context.pool) });
  context.onShutdown("prisma", () => prisma.$disconnect());
  const contents = new PrismaContentRepository(prisma);
  const keys = new PrismaContentKeyRepository(prisma);
  const sweep = new SweepContents(
    store,
    contents,
    clock,
    { everyMs: settings.STORAGE_SWEEP_INTERVAL, ageMs: settings.STORAGE_SWEEP_AGE },
    context.logger,
    ({ deleted, deletedBytes }) => {
      metrics.sweptBlocks.add(deleted);
      metrics.sweptBytes.add(deletedBytes);
    },
  );
  context.onShutdown("sweep", () => sweep.stop());
  sweep.start();
  const wrappingKey = await loadWrappingKey(directory, systemRng);
  const leases = new GrpcLeaseChecker(context.grpcClient(ComputeServiceService, "COMPUTE_GRPC_URL"));

  return {
    module: StorageModule,
    controllers: [ContentController, ContentKeyController],
    providers: [
      {
        provide: PutContent,
        useValue: new PutContent(
          store,
          contents,
          clock,
          {
            contentBytes: settings.STORAGE_MAX_CONTENT,
            accountBytes: settings.STORAGE_ACCOUNT_QUOTA,
            reservedBytes: settings.STORAGE_MIN_FREE_DISK + settings.STORAGE_RESERVED_DISK,
          },
          freeBytes,
        ),
      },
      { provide: ReadContent, useValue: new ReadContent(store, contents) },
      { provide: DepositKey, useValue: new DepositKey(contents, keys, wrappingKey, clock) },
      { provide: ListReleases, useValue: new ListReleases(contents, keys) },
      {
        provide: ReleaseKey,
        useValue: new ReleaseKey({
          contents,
          keys,
          wrappingKey,
          leases,
          clock,
          rng: systemRng,
          agreement: systemKeyAgreement,
          newReleaseId: randomUUID,
        }),
      },
      { provide: WRAPPING_KEY, useValue: wrappingKey },
    ],
  };
}
