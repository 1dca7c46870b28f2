import type { Address } from "@aios/kernel/identifiers";
import { address } from "@aios/kernel/identifiers";
import { Interface } from "ethers/abi";
import { networkNotPinned, pinnedChainUnavailable } from "../../domain/errors.js";
import {
  type NetworkPin,
  PINNED_CONTRACTS,
  type PinnedContract,
  type PinnedNetwork,
} from "../../domain/network.js";

const REGISTRY = new Interface(["function latest(string name) view returns (address)"]);
const ANSWER_WITHIN_MS = 5_000;
const LARGEST_ANSWER_CHARACTERS = 10_000;

/** Reads the contracts' addresses from the on-chain registry, over a node that the operator trusts, each time anew. */
export class RegistryNetworkPin implements NetworkPin {
  readonly #url: string;
  readonly #registry: Address;
  readonly #chainId: bigint | undefined;

  /** `chainId`: the node must be of this chain; undefined leaves it to the node. */
  constructor(url: string, registry: Address, chainId: bigint | undefined) {
    this.#url = url;
    this.#registry = registry;
    this.#chainId = chainId;
  }

  async network(signal: AbortSignal): Promise<PinnedNetwork> {
    const chainId = BigInt(await this.#ask("eth_chainId", [], signal));
    if (this.#chainId !== undefined && this.#chainId !== chainId) {
      throw networkNotPinned("chain", this.#chainId.toString(), chainId.toString());
    }
    const found = await Promise.all(
      PINNED_CONTRACTS.map(async (name) => [name, await this.#latest(name, signal)] as const),
    );
    return { chainId, contracts: Object.fromEntries(found) as Record<PinnedContract, Address> };
  }

  async #latest(name: PinnedContract, signal: AbortSignal): Promise<Address> {
    const data = REGISTRY.encodeFunctionData("latest", [name]);
    const result = await this.#ask("eth_call", [{ to: this.#registry, data }, "latest"], signal);
    try {
      return address(REGISTRY.decodeFunctionResult("latest", result)[0], name);
    } catch (cause) {
      throw pinnedChainUnavailable(this.#url, cause);
    }
  }

  async #ask(method: string, params: readonly unknown[], signal: AbortSignal): Promise<string> {
    try {
      const response = await fetch(this.#url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
      });
      const text = await response.text();
      if (text.length > LARGEST_ANSWER_CHARACTERS) throw new Error("the answer is too large");
      const { result, error } = JSON.parse(text) as { result?: unknown; error?: { message?: string } };
      if (typeof result !== "string") throw new Error(error?.message ?? "no result");
      return result;
    } catch (cause) {
      throw pinnedChainUnavailable(this.#url, cause);
    }
  }
}
