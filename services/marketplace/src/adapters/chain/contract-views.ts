import type { Address } from "@aios/kernel/identifiers";
import type { Interface } from "ethers";
import { chainUnavailable } from "../../domain/errors.js";

/** Calls of view functions over a node's JSON-RPC, at its newest block. Throws `chain-unavailable`. */
export class ContractViews {
  constructor(
    private readonly url: string,
    private readonly timeoutMs: number,
  ) {}

  /** What the function answers, one entry a return value. */
  async view(
    abi: Interface,
    to: Address,
    name: string,
    args: readonly unknown[],
  ): Promise<readonly unknown[]> {
    const data = abi.encodeFunctionData(name, args);
    const result = await this.call("eth_call", [{ to, data }, "latest"]);
    try {
      return [...abi.decodeFunctionResult(name, result)];
    } catch (error) {
      throw chainUnavailable(error);
    }
  }

  async call(method: string, params: readonly unknown[]): Promise<string> {
    try {
      const response = await fetch(this.url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
        signal: AbortSignal.timeout(this.timeoutMs),
      });
      const answer = (await response.json()) as {
        readonly result?: unknown;
        readonly error?: { message: string };
      };
      if (typeof answer.result !== "string")
        throw new Error(answer.error?.message ?? "the node answered nothing");
      return answer.result;
    } catch (error) {
      throw chainUnavailable(error);
    }
  }
}
