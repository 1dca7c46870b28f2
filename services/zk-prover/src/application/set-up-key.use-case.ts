import type { TenantId } from "@aios/kernel/identifiers";
import { crashPoint } from "@aios/service-kit/crash-point";
import type { KeyRequest, ModelKeyRecord } from "../domain/model-key.js";
import type { ModelKeyStore } from "../domain/ports.js";
import type { OfferedSystems } from "./offered-systems.js";

/**
 * Writes the work down before anything is done; the same model gives the same keys. Throws `proof-system-unavailable`
 * where there is no key and none would be made.
 */
export class SetUpKey {
  constructor(
    private readonly keys: ModelKeyStore,
    private readonly offered: OfferedSystems,
    private readonly ring: () => void,
  ) {}

  async execute(request: KeyRequest, tenantId: TenantId): Promise<ModelKeyRecord> {
    const known = await this.keys.find(request);
    if (known?.state !== "ready") this.offered.backEnd(request.proofSystem);
    crashPoint("zk-prover.set-up-key.before-persist");
    const record = await this.keys.request(request, tenantId);
    crashPoint("zk-prover.set-up-key.after-persist");
    this.ring();
    return record;
  }
}
