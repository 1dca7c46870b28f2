import type { DemoInfo, Model } from "@aios/sdk/api-types";
import { AiosClient } from "@aios/sdk/client";
import { privateKeySigner } from "@aios/sdk/wallet";

/** Reads without an account. */
export const visitor = new AiosClient({ baseUrl: window.location.origin, retries: 1 });

export interface DemoBuyer {
  readonly info: DemoInfo;
  readonly client: AiosClient;
}

/** A client that signs with the local network's demo key. Throws `not-found` where there is none. */
export async function demoBuyer(): Promise<DemoBuyer> {
  const info = await visitor.demo();
  return {
    info,
    client: new AiosClient({ baseUrl: window.location.origin, signer: privateKeySigner(info.privateKey) }),
  };
}

/** Models that can be used: published ones, newest first. */
export async function publishedModels(): Promise<readonly Model[]> {
  const { items } = await visitor.models.list();
  return items.filter((model) => model.state === "published" && model.modelId !== null);
}
