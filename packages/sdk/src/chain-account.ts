import { CodedError } from "@aios/kernel/coded-error";
import { Wallet } from "ethers/wallet";
import type { AiosClient } from "./client.js";
import type { RpcReceipt } from "./json-rpc.js";
import { until } from "./until.js";

/** Above what any call here takes; what is not used is not paid. */
const CALL_GAS = 500_000n;
const TIP_WEI = 1_000_000_000n;
const CONFIRMATION_MS = 120_000;

/** An account that signs its own transactions and pays their gas. */
export class ChainAccount {
  readonly #wallet: Wallet;

  constructor(
    private readonly client: Pick<AiosClient, "rpc" | "sendRawTransaction">,
    private readonly chainId: number,
    privateKey: string,
  ) {
    this.#wallet = new Wallet(privateKey.startsWith("0x") ? privateKey : `0x${privateKey}`);
  }

  get address(): string {
    return this.#wallet.address;
  }

  /** Sends a call and waits until it is in a block. Throws `transaction-reverted`, `json-rpc-error`. */
  async send(to: string, data: string, gasLimit = CALL_GAS): Promise<RpcReceipt> {
    const { rpc } = this.client;
    const [nonce, gasPrice] = await Promise.all([
      rpc.call<string>("eth_getTransactionCount", [this.address, "pending"]),
      rpc.call<string>("eth_gasPrice"),
    ]);
    const signed = await this.#wallet.signTransaction({
      type: 2,
      chainId: this.chainId,
      to,
      data,
      nonce: Number(nonce),
      gasLimit,
      maxPriorityFeePerGas: TIP_WEI,
      maxFeePerGas: 2n * BigInt(gasPrice) + TIP_WEI,
    });
    const hash = await this.client.sendRawTransaction(signed);
    const receipt = await until(
      () => rpc.receipt(hash),
      (found) => found !== null,
      { timeoutMs: CONFIRMATION_MS },
    );
    if (receipt !== null && BigInt(receipt.status) === 1n) return receipt;
    throw new CodedError({
      code: "transaction-reverted",
      kind: "unprocessable",
      message: `The chain refused the transaction ${hash}.`,
      details: { hash },
    });
  }
}
