import { CodedError } from "@aios/kernel/coded-error";
import { type Address, address } from "@aios/kernel/identifiers";
import {
  ChainSigner,
  type EconomyServiceService,
  type GetProtocolResponse,
} from "@aios/proto/aios/economy/v1/economy";
import type { GrpcClient } from "@aios/service-kit/grpc-client";
import type { ChainWriter } from "../../domain/ports.js";
import type { SigningContext } from "../../domain/typed-data.js";

export class EconomyChainWriter implements ChainWriter {
  #context: SigningContext | undefined;

  constructor(private readonly economy: GrpcClient<typeof EconomyServiceService>) {}

  /** Asked once: contracts of a chain never change. */
  async signingContext(): Promise<SigningContext> {
    if (this.#context === undefined) {
      const protocol = await this.economy.getProtocol({});
      this.#context = {
        chainId: BigInt(protocol.chainId),
        modelLicence: contractOf(protocol, "ModelLicence"),
        wrappedAios: contractOf(protocol, "WrappedAios"),
      };
    }
    return this.#context;
  }

  /** Where capability claims are read. */
  async capabilityContracts(): Promise<{ readonly claims: Address; readonly models: Address }> {
    const protocol = await this.economy.getProtocol({});
    return { claims: contractOf(protocol, "CapabilityClaims"), models: contractOf(protocol, "ModelLicence") };
  }

  async wrappedBalanceWei(account: Address): Promise<bigint> {
    return BigInt((await this.economy.getBalances({ account })).wrappedWei);
  }

  publishModel(idempotencyKey: string, data: Uint8Array): Promise<void> {
    return this.#submit(idempotencyKey, data, "publish-model");
  }

  purchaseLicence(idempotencyKey: string, data: Uint8Array): Promise<void> {
    return this.#submit(idempotencyKey, data, "purchase-licence");
  }

  async #submit(idempotencyKey: string, data: Uint8Array, purpose: string): Promise<void> {
    const request = {
      idempotencyKey,
      signer: ChainSigner.CHAIN_SIGNER_RELAYER,
      contract: "ModelLicence",
      data,
      valueWei: "0",
      purpose,
      subject: "",
    };
    await this.economy.submitTransaction(request, { idempotent: true });
  }
}

function contractOf(protocol: GetProtocolResponse, name: string): Address {
  const found = protocol.contracts[name];
  if (found !== undefined) return address(found, name);
  throw new CodedError({
    code: "contracts-not-deployed",
    kind: "unavailable",
    message: `${name} is not deployed on this chain yet.`,
    retryAfterMs: 1_000,
  });
}
