import type { Address } from "@aios/kernel/identifiers";
import { Interface } from "ethers";
import { chainUnavailable } from "../../domain/errors.js";
import type { ChainReader } from "../../domain/ports.js";

const VIEWS = new Interface([
  "function nonces(address owner) view returns (uint256)",
  "function isLicensed(uint256 modelId, uint256 licenceId, address account) view returns (bool)",
]);

/** Contract reads over the node's JSON-RPC. */
export class JsonRpcReader implements ChainReader {
  constructor(
    private readonly url: string,
    private readonly timeoutMs: number,
  ) {}

  async permitNonce(token: Address, owner: Address): Promise<bigint> {
    return BigInt(String(await this.#view(token, "nonces", [owner])));
  }

  async isLicensed(
    modelLicence: Address,
    modelId: bigint,
    licenceId: bigint,
    account: Address,
  ): Promise<boolean> {
    return (await this.#view(modelLicence, "isLicensed", [modelId, licenceId, account])) === true;
  }

  async #view(to: Address, name: string, args: readonly unknown[]): Promise<unknown> {
    const params = [{ to, data: VIEWS.encodeFunctionData(name, args) }, "latest"];
    try {
      const response = await fetch(this.url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_call", params }),
        signal: AbortSignal.timeout(this.timeoutMs),
      });
      const answer = (await response.json()) as {
        readonly result?: unknown;
        readonly error?: { message: string };
      };
      if (typeof answer.result !== "string")
        throw new Error(answer.error?.message ?? "the node answered nothing");
      return VIEWS.decodeFunctionResult(name, answer.result)[0];
    } catch (error) {
      throw chainUnavailable(error);
    }
  }
}
