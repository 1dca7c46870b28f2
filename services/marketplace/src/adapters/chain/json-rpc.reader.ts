import type { Address } from "@aios/kernel/identifiers";
import { Interface } from "ethers";
import type { ChainReader } from "../../domain/ports.js";
import { ContractViews } from "./contract-views.js";

const VIEWS = new Interface([
  "function nonces(address owner) view returns (uint256)",
  "function isLicensed(uint256 modelId, uint256 licenceId, address account) view returns (bool)",
]);

/** Contract reads over the node's JSON-RPC. */
export class JsonRpcReader implements ChainReader {
  readonly #views: ContractViews;

  constructor(url: string, timeoutMs: number) {
    this.#views = new ContractViews(url, timeoutMs);
  }

  async permitNonce(token: Address, owner: Address): Promise<bigint> {
    return BigInt(String((await this.#views.view(VIEWS, token, "nonces", [owner]))[0]));
  }

  async isLicensed(
    modelLicence: Address,
    modelId: bigint,
    licenceId: bigint,
    account: Address,
  ): Promise<boolean> {
    const args = [modelId, licenceId, account];
    return (await this.#views.view(VIEWS, modelLicence, "isLicensed", args))[0] === true;
  }
}
