import { abi as claimsAbi } from "@aios/contracts/abi/capability-claims";
import { abi as licenceAbi } from "@aios/contracts/abi/model-licence";
import { referenceStringTrust } from "@aios/contracts/reference-string-trust";
import {
  type CapabilityClaim,
  type ClaimKey,
  type ClaimRecord,
  claimFromRecord,
} from "@aios/core-capability/capability";
import { questionId } from "@aios/core-capability/draw";
import { STATEMENT_VERSION, statementContext } from "@aios/core-zkml/statement";
import { CodedError } from "@aios/kernel/coded-error";
import { Interface } from "ethers/abi";
import type { Protocol } from "../api-types.js";
import { fromHex } from "../hex.js";
import type { JsonRpc } from "../json-rpc.js";
import { contractAddress } from "../typed-data-review.js";
import { tauG2OnChain } from "../verification/honk-checks.js";

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

const NO_CEREMONY = /^0x0{64}$/;

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

/** Who offered a draw, and the hash of the secret that it committed to. */
export async function drawOf(
  chain: CapabilityChain,
  drawId: bigint,
): Promise<{ readonly drawer: string; readonly secretHash: string }> {
  const [drawer, , secretHash] = await view(chain, chain.claims, claimsInterface, "draws", [drawId]);
  return { drawer: String(drawer).toLowerCase(), secretHash: String(secretHash) };
}

/** Which system a claim's proofs are of: the contract takes no verifier but its two. */
export async function proofSystemOf(
  chain: CapabilityChain,
  claim: CapabilityClaim,
): Promise<ClaimKey["system"]> {
  const [groth16] = await view(chain, chain.claims, claimsInterface, "groth16", []);
  return String(groth16).toLowerCase() === claim.verifier ? "groth16" : "ultrahonk";
}

/** Commitment and hash of the key that a claim's proofs are under, 0x hex. */
async function modelStatement(
  chain: CapabilityChain,
  claim: CapabilityClaim,
): Promise<{ readonly modelCommitment: string; readonly verifyingKeyHash: string }> {
  const name = (await proofSystemOf(chain, claim)) === "groth16" ? "statementOf" : "honkStatementOf";
  const [commitment, key] = await view(chain, chain.models, licenceInterface, name, [claim.modelId]);
  return { modelCommitment: String(commitment), verifyingKeyHash: String(key) };
}

/** What the proof of a claim's question at `position` is bound to: this chain, contract, question, owner, model and key. */
export async function questionContexts(
  chain: CapabilityChain,
  claim: CapabilityClaim,
): Promise<QuestionContexts> {
  const { modelCommitment, verifyingKeyHash } = await modelStatement(chain, claim);
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

/** What the claim's proofs leave to trust, of their own system. */
export async function keyOf(chain: CapabilityChain, claim: CapabilityClaim): Promise<ClaimKey> {
  if ((await proofSystemOf(chain, claim)) === "ultrahonk") {
    const trust = referenceStringTrust(await tauG2OnChain(chain.rpc, claim.verifier));
    return { system: "ultrahonk", trust };
  }
  const asked = [claim.modelId];
  const [hash] = await view(chain, chain.models, licenceInterface, "ceremonyTranscriptHash", asked);
  return { system: "groth16", ceremony: !NO_CEREMONY.test(String(hash)) };
}
