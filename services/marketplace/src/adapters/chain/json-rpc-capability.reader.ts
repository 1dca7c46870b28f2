import type { TauG2 } from "@aios/contracts/honk-verification";
import { referenceStringTrust, TAU_G2_VIEWS } from "@aios/contracts/reference-string-trust";
import {
  attemptOf,
  type Capability,
  type CapabilityClaim,
  type ClaimKey,
  claimFromRecord,
  describeCapability,
} from "@aios/core-capability/capability";
import type { Address } from "@aios/kernel/identifiers";
import { Interface } from "ethers";
import type { CapabilityReader } from "../../domain/ports.js";
import { ContractViews } from "./contract-views.js";

const CLAIM =
  "tuple(address owner, uint64 blockNumber, uint32 testSetSize, uint128 modelId, uint64 drawId, uint16 drawCount, uint16 minimumCorrect, uint16 answered, uint16 correct, uint8 classes, address verifier, address publisher, bytes32 testSetRoot, bytes32 seed, uint256 answeredBits)";
const VIEWS = new Interface([
  "function claimsOf(uint256 modelId) view returns (uint64[])",
  `function claimOf(uint64 claimId) view returns (${CLAIM})`,
  "function groth16() view returns (address)",
  "function draws(uint64 drawId) view returns (address drawer, uint64 claimId, bytes32 secretHash)",
  "function ceremonyTranscriptHash(uint256 modelId) view returns (bytes32)",
  "function honk() view returns (address)",
  ...TAU_G2_VIEWS.map((name) => `function ${name}() view returns (uint256)`),
]);
type ClaimRecord = Parameters<typeof claimFromRecord>[1];
const ZERO = /^0x0{64}$/;

/** Capability claims over the node's JSON-RPC: the chain is their only record. */
export class JsonRpcCapabilityReader implements CapabilityReader {
  readonly #views: ContractViews;

  constructor(
    private readonly contracts: () => Promise<{ readonly claims: Address; readonly models: Address }>,
    url: string,
    timeoutMs: number,
  ) {
    this.#views = new ContractViews(url, timeoutMs);
  }

  async capabilitiesOf(modelId: bigint, limit: number): Promise<readonly Capability[]> {
    const contracts = await this.contracts();
    const views = this.#views;
    const [ids] = await views.view(VIEWS, contracts.claims, "claimsOf", [modelId]);
    const all = [...(ids as Iterable<bigint>)];
    if (all.length === 0) return [];
    const read = all.slice(-limit);
    const [head, keyOf, claims] = await Promise.all([
      views.call("eth_blockNumber", []),
      this.#keys(contracts, modelId),
      Promise.all(
        read.map(async (id) =>
          claimFromRecord(id, (await views.view(VIEWS, contracts.claims, "claimOf", [id]))[0] as ClaimRecord),
        ),
      ),
    ]);
    const described = claims.map(async (claim, index) => {
      const [[drawer], key] = await Promise.all([
        views.view(VIEWS, contracts.claims, "draws", [claim.drawId]),
        keyOf(claim),
      ]);
      return describeCapability(claim, {
        drawer: String(drawer).toLowerCase(),
        attempt: attemptOf(index, all.length - read.length),
        head: Number(head),
        key,
      });
    });
    return (await Promise.all(described)).reverse();
  }

  /** What a claim's proofs leave to trust, of the system that its own verifier is of. */
  async #keys(
    { claims, models }: { readonly claims: Address; readonly models: Address },
    modelId: bigint,
  ): Promise<(claim: CapabilityClaim) => Promise<ClaimKey>> {
    const [[groth16], [transcript]] = await Promise.all([
      this.#views.view(VIEWS, claims, "groth16", []),
      this.#views.view(VIEWS, models, "ceremonyTranscriptHash", [modelId]),
    ]);
    return async ({ verifier }) =>
      verifier === String(groth16).toLowerCase()
        ? { system: "groth16", ceremony: !ZERO.test(String(transcript)) }
        : { system: "ultrahonk", trust: referenceStringTrust(await this.#tauG2(verifier as Address)) };
  }

  async #tauG2(resultVerifier: Address): Promise<TauG2> {
    const [honk] = await this.#views.view(VIEWS, resultVerifier, "honk", []);
    const words = TAU_G2_VIEWS.map(async (name) => {
      const [word] = await this.#views.view(VIEWS, String(honk).toLowerCase() as Address, name, []);
      return `0x${BigInt(String(word)).toString(16).padStart(64, "0")}`;
    });
    return (await Promise.all(words)) as unknown as TauG2;
  }
}
