import { abi as providerRegistryAbi } from "@aios/contracts/abi/provider-registry";
import { abi as wrappedAiosAbi } from "@aios/contracts/abi/wrapped-aios";
import { CodedError } from "@aios/kernel/coded-error";
import { type Address, type Bytes32, bytes32 } from "@aios/kernel/identifiers";
import { Interface, type InterfaceAbi, type Result } from "ethers";
import type { ChainReader } from "../../domain/ports.js";

const RETRY_AFTER_MS = 1_000;
const LARGEST_ANSWER_CHARACTERS = 200_000;

interface RpcAnswer {
  readonly result?: unknown;
  readonly error?: { readonly message?: string };
}

/** Reads the latest state by `eth_call`, and blocks. */
export class JsonRpcChainReader implements ChainReader {
  readonly #url: string;
  readonly #timeoutMs: number;
  readonly #token = new Interface(wrappedAiosAbi as InterfaceAbi);
  readonly #registry = new Interface(providerRegistryAbi as InterfaceAbi);
  #nextId = 1;

  constructor(url: string, timeoutMs: number) {
    this.#url = url;
    this.#timeoutMs = timeoutMs;
  }

  async permitNonce(owner: Address, token: Address): Promise<bigint> {
    return integer(await this.#call(this.#token, token, "nonces", [owner]));
  }

  async allowanceWei(owner: Address, token: Address, spender: Address): Promise<bigint> {
    return integer(await this.#call(this.#token, token, "allowance", [owner, spender]));
  }

  async balanceWei(owner: Address, token: Address): Promise<bigint> {
    return integer(await this.#call(this.#token, token, "balanceOf", [owner]));
  }

  async stake(
    provider: Address,
    registry: Address,
  ): Promise<{ readonly active: boolean; readonly stakedWei: bigint }> {
    const [active, stakedWei] = await Promise.all([
      this.#call(this.#registry, registry, "isActive", [provider]),
      this.#call(this.#registry, registry, "stakeOf", [provider]),
    ]);
    return { active: active[0] === true, stakedWei: integer(stakedWei) };
  }

  async minimumStakeWei(registry: Address): Promise<bigint> {
    return integer(await this.#call(this.#registry, registry, "minimumStakeWei", []));
  }

  async blockHash(blockNumber: number): Promise<Bytes32> {
    const block = await this.#ask("eth_getBlockByNumber", [`0x${blockNumber.toString(16)}`, false]);
    const { hash } = (block ?? {}) as { readonly hash?: unknown };
    if (typeof hash !== "string") throw unavailable(new Error(`no block ${blockNumber}`));
    return bytes32(hash, "blockHash");
  }

  async #call(contract: Interface, to: Address, name: string, args: readonly unknown[]): Promise<Result> {
    const data = contract.encodeFunctionData(name, args);
    const result = await this.#ask("eth_call", [{ to, data }, "latest"]);
    if (typeof result !== "string") throw unavailable(new Error("no result"));
    return contract.decodeFunctionResult(name, result);
  }

  async #ask(method: string, params: readonly unknown[]): Promise<unknown> {
    const body = JSON.stringify({ jsonrpc: "2.0", id: this.#nextId++, method, params });
    let answer: RpcAnswer;
    try {
      const response = await fetch(this.#url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      const text = await response.text();
      if (text.length > LARGEST_ANSWER_CHARACTERS) throw new Error("the answer is too large");
      answer = JSON.parse(text) as RpcAnswer;
    } catch (cause) {
      throw unavailable(cause);
    }
    if (answer.error !== undefined) throw unavailable(new Error(answer.error.message ?? "an error"));
    return answer.result;
  }
}

function integer(result: Result): bigint {
  return BigInt(result[0] as bigint);
}

function unavailable(cause: unknown): CodedError {
  return new CodedError({
    code: "chain-unavailable",
    kind: "unavailable",
    message: "The chain's node does not answer. Try again shortly.",
    retryAfterMs: RETRY_AFTER_MS,
    cause,
  });
}
