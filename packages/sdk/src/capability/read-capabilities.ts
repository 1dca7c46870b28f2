import { attemptOf, type Capability, describeCapability } from "@aios/core-capability/capability";
import { type CapabilityChain, claimIdsOf, drawOf, keyOf, readClaim } from "./capability-contract.js";

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
  const head = await chain.rpc.blockNumber();
  const capabilities = claims.map(async (claim, index) => {
    const [{ drawer }, key] = await Promise.all([drawOf(chain, claim.drawId), keyOf(chain, claim)]);
    return describeCapability(claim, { drawer, attempt: attemptOf(index, skipped), head, key });
  });
  return (await Promise.all(capabilities)).reverse();
}
