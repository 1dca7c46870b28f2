import { CodedError } from "@aios/kernel/coded-error";
import { address } from "@aios/kernel/identifiers";
import { ChainSigner, type EconomyServiceService } from "@aios/proto/aios/economy/v1/economy";
import type { GrpcClient } from "@aios/service-kit/grpc-client";
import { getBytes, Interface } from "ethers";
import type { Anchor } from "../../domain/ports.js";
import type { ReceiptDomain } from "../../domain/receipt-record.js";

const RECEIPT_REGISTRY = new Interface(["function anchor(uint64 batch, bytes32 root, uint32 receiptCount)"]);

export class EconomyAnchor implements Anchor {
  #domain: ReceiptDomain | undefined;

  constructor(private readonly economy: GrpcClient<typeof EconomyServiceService>) {}

  /** Asked once: contracts of a chain never change. */
  async domain(): Promise<ReceiptDomain> {
    if (this.#domain === undefined) {
      const protocol = await this.economy.getProtocol({});
      const registry = protocol.contracts["ReceiptRegistry"];
      if (registry === undefined) {
        throw new CodedError({
          code: "contracts-not-deployed",
          kind: "unavailable",
          message: "ReceiptRegistry is not deployed on this chain yet.",
          retryAfterMs: 1_000,
        });
      }
      this.#domain = { chainId: BigInt(protocol.chainId), receiptRegistry: address(registry) };
    }
    return this.#domain;
  }

  async submit(idempotencyKey: string, number: bigint, root: string, receiptCount: number): Promise<void> {
    const request = {
      idempotencyKey,
      signer: ChainSigner.CHAIN_SIGNER_ANCHOR,
      contract: "ReceiptRegistry",
      data: getBytes(RECEIPT_REGISTRY.encodeFunctionData("anchor", [number, root, receiptCount])),
      valueWei: "0",
      purpose: "anchor-receipts",
      subject: "",
    };
    await this.economy.submitTransaction(request, { idempotent: true });
  }
}
