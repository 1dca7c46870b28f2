import { abi as claimsAbi } from "@aios/contracts/abi/capability-claims";
import { abi as licenceAbi } from "@aios/contracts/abi/model-licence";
import { type CapabilityClaim, type ClaimRecord, claimFromRecord } from "@aios/core-capability/capability";
import { questionId } from "@aios/core-capability/draw";
import { STATEMENT_VERSION, statementContext } from "@aios/core-zkml/statement";
import { CodedError } from "@aios/kernel/coded-error";
import { Interface } from "ethers/abi";
import type { Protocol } from "../api-types.js";
import { fromHex } from "../hex.js";
import type { JsonRpc } from "../json-rpc.js";
import { contractAddress } from "../typed-data-review.js";

export const claimsInterface = new Interface(claimsAbi);
const licenceInterface = new Interface(licenceAbi);

/** Where capability claims are read: the chain, and nothing else. */
export interface CapabilityChain {
  readonly rpc: Pick<JsonRpc, "ethCall" | "logs" | "transaction" | "block" | "blockNumber">;
  readonly chainId: number;
  readonly claims: string;
  readonly models: string;
  readonly groth16: string;
}

/** Contexts of a claim's questions; commitment and key hash of its model in 0x hex. */
export interface QuestionContexts {
  readonly modelCommitment: string;
  readonly verifyingKeyHash: string;
  at(position: number): bigint;
}

/** Throws `contract-unknown` for a platform whose contracts are older. */
export function capabilityChain(rpc: JsonRpc, protocol: Protocol): CapabilityChain {
  return {
    rpc,
    chainId: protocol.chainId,
    claims: contractAddress(protocol, "CapabilityClaims"),
    models: contractAddress(protocol, "ModelLicence"),
    groth16: contractAddress(protocol, "Groth16ResultVerifier"),
  };
}

async function view(
  { rpc }: CapabilityChain,
  contract: string,
  abi: Interface,
  name: string,
  args: readonly unknown[],
): Promise<readonly unknown[]> {
  return abi.decodeFunctionResult(name, await rpc.ethCall(contract, abi.encodeFunctionData(name, args)));
}

const NOT_DRAWN = /^0x0{64}$/;

/** Throws `claim-not-found`. */
export async function readClaim(chain: CapabilityChain, claimId: bigint): Promise<CapabilityClaim> {
  const count = BigInt(String((await view(chain, chain.claims, claimsInterface, "claimCount", []))[0]));
  if (claimId < 1n || claimId > count)
    throw new CodedError({
      code: "claim-not-found",
      kind: "not-found",
      message: `There is no capability claim ${claimId} on this chain.`,
    });
  const [raw] = await view(chain, chain.claims, claimsInterface, "claimOf", [claimId]);
  return claimFromRecord(claimId, raw as ClaimRecord);
}

/** Ids of all claims about a model, oldest first. */
export async function claimIdsOf(chain: CapabilityChain, modelId: bigint): Promise<readonly bigint[]> {
  const [ids] = await view(chain, chain.claims, claimsInterface, "claimsOf", [modelId]);
  return [...(ids as Iterable<bigint>)];
}

export async function publisherOf(chain: CapabilityChain, root: string): Promise<string> {
  return String((await view(chain, chain.claims, claimsInterface, "testSets", [root]))[0]).toLowerCase();
}

export async function drawerOf(chain: CapabilityChain, drawId: bigint): Promise<string> {
  return String((await view(chain, chain.claims, claimsInterface, "draws", [drawId]))[0]).toLowerCase();
}

/** Commitment and verifying-key hash of a model, 0x hex. */
async function modelStatement(
  chain: CapabilityChain,
  modelId: bigint,
): Promise<{ readonly modelCommitment: string; readonly verifyingKeyHash: string }> {
  const [commitment, key] = await view(chain, chain.models, licenceInterface, "statementOf", [modelId]);
  return { modelCommitment: String(commitment), verifyingKeyHash: String(key) };
}

/** What the proof of a claim's question at `position` is bound to: this chain, contract, question, owner, model and key. */
export async function questionContexts(
  chain: CapabilityChain,
  claim: CapabilityClaim,
): Promise<QuestionContexts> {
  const { modelCommitment, verifyingKeyHash } = await modelStatement(chain, claim.modelId);
  return {
    modelCommitment,
    verifyingKeyHash,
    at: (position) =>
      statementContext({
        version: STATEMENT_VERSION,
        chainId: chain.chainId,
        escrow: chain.claims,
        jobId: questionId(claim.claimId, position),
        requester: claim.owner,
        modelCommitment: fromHex(modelCommitment),
        verifyingKeyHash: fromHex(verifyingKeyHash),
      }),
  };
}

/** Whether the model's key was made by a ceremony; otherwise one party can forge. */
export async function hasCeremony(chain: CapabilityChain, modelId: bigint): Promise<boolean> {
  const [hash] = await view(chain, chain.models, licenceInterface, "ceremonyTranscriptHash", [modelId]);
  return !NOT_DRAWN.test(String(hash));
}
