import type { TenantId } from "@aios/kernel/identifiers";
import { crashPoint } from "@aios/service-kit/crash-point";
import type { KeyRequest, ModelKeyRecord } from "../domain/model-key.js";
import type { ModelKeyStore } from "../domain/ports.js";

/** Writes the work down before anything is done; the same model gives the same keys. */
export class SetUpKey {
  constructor(
    private readonly keys: ModelKeyStore,
    private readonly ring: () => void,
  ) {}

  async execute(request: KeyRequest, tenantId: TenantId): Promise<ModelKeyRecord> {
    crashPoint("zk-prover.set-up-key.before-persist");
    const record = await this.keys.request(request, tenantId);
    crashPoint("zk-prover.set-up-key.after-persist");
    this.ring();
    return record;
  }
}
