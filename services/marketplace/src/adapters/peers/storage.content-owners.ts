import type { TenantId } from "@aios/kernel/identifiers";
import type { ContentServiceService } from "@aios/proto/aios/storage/v1/storage";
import type { GrpcClient } from "@aios/service-kit/grpc-client";
import type { ContentOwners } from "../../domain/ports.js";

export class StorageContentOwners implements ContentOwners {
  constructor(private readonly storage: GrpcClient<typeof ContentServiceService>) {}

  async ownerOf(contentCid: string): Promise<TenantId> {
    const { ownerTenant } = await this.storage.statContent({ cid: contentCid }, { idempotent: true });
    return ownerTenant as TenantId;
  }
}
