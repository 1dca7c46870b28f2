import type { AiosClient } from "@aios/sdk/client";
import { FetchRequest, JsonRpcProvider } from "ethers";

/** The chain as the gateway passes it through, for an account that may send transactions. */
export async function gatewayRpc(gatewayUrl: string, client: AiosClient): Promise<JsonRpcProvider> {
  const { accessToken } = await client.signIn();
  const request = new FetchRequest(`${gatewayUrl}/rpc`);
  request.setHeader("authorization", `Bearer ${accessToken}`);
  // Without its cache: the nonce of one transaction is not that of the next.
  return new JsonRpcProvider(request, undefined, { batchMaxCount: 1, cacheTimeout: -1 });
}
