import {
  attemptOf,
  type Capability,
  claimFromRecord,
  describeCapability,
} from "@aios/core-capability/capability";
import type { Address } from "@aios/kernel/identifiers";
import { Interface } from "ethers";
import type { CapabilityReader } from "../../domain/ports.js";
import { ContractViews } from "./contract-views.js";

const CLAIM =
  "tuple(address owner, uint64 blockNumber, uint32 testSetSize, uint128 modelId, uint64 drawId, uint16 drawCount, uint16 minimumCorrect, uint16 answered, uint16 correct, uint8 classes, address verifier, bytes32 testSetRoot, bytes32 seed, uint256 answeredBits)";
const VIEWS = new Interface([
  "function claimsOf(uint256 modelId) view returns (uint64[])",
  `function claimOf(uint64 claimId) view returns (${CLAIM})`,
  "function testSets(bytes32 root) view returns (address publisher, uint64 publishedAt, uint32 size)",
  "function draws(uint64 drawId) view returns (address drawer, uint64 claimId, bytes32 secretHash)",
  "function ceremonyTranscriptHash(uint256 modelId) view returns (bytes32)",
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
    const [head, [transcript], claims] = await Promise.all([
      views.call("eth_blockNumber", []),
      views.view(VIEWS, contracts.models, "ceremonyTranscriptHash", [modelId]),
      Promise.all(
        read.map(async (id) =>
          claimFromRecord(id, (await views.view(VIEWS, contracts.claims, "claimOf", [id]))[0] as ClaimRecord),
        ),
      ),
    ]);
    const described = claims.map(async (claim, index) => {
      const [[publisher], [drawer]] = await Promise.all([
        views.view(VIEWS, contracts.claims, "testSets", [claim.testSetRoot]),
        views.view(VIEWS, contracts.claims, "draws", [claim.drawId]),
      ]);
      return describeCapability(claim, {
        publisher: String(publisher).toLowerCase(),
        drawer: String(drawer).toLowerCase(),
        attempt: attemptOf(claims, index, all.length - read.length),
        head: Number(head),
        ceremony: !ZERO.test(String(transcript)),
      });
    });
    return (await Promise.all(described)).reverse();
  }
}
