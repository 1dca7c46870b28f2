import { attemptOf, type Capability, describeCapability } from "@aios/core-capability/capability";
import {
  type CapabilityChain,
  claimIdsOf,
  drawerOf,
  hasCeremony,
  publisherOf,
  readClaim,
} from "./capability-contract.js";

/** Newest claims that are read. */
const MAX_CLAIMS = 20;

/** The newest claims about a model, newest first; everything is read from the chain. */
export async function readCapabilities(
  chain: CapabilityChain,
  modelId: bigint,
): Promise<readonly Capability[]> {
  const ids = await claimIdsOf(chain, modelId);
  if (ids.length === 0) return [];
  const claims = await Promise.all(ids.slice(-MAX_CLAIMS).map((id) => readClaim(chain, id)));
  const skipped = ids.length - claims.length;
  const [head, ceremony] = await Promise.all([chain.rpc.blockNumber(), hasCeremony(chain, modelId)]);
  const capabilities = claims.map(async (claim, index) => {
    const [drawer, publisher] = await Promise.all([
      drawerOf(chain, claim.drawId),
      publisherOf(chain, claim.testSetRoot),
    ]);
    const attempt = attemptOf(claims, index, skipped);
    return describeCapability(claim, { drawer, publisher, attempt, head, ceremony });
  });
  return (await Promise.all(capabilities)).reverse();
}
