import { SIGNERS } from "../domain/chain-transaction.js";
import { contractsNotDeployed } from "../domain/errors.js";
import type { ContractBook, ProtocolReader, ProtocolTerms, SignerVault } from "../domain/ports.js";
import type { ChainRuntime } from "./chain-runtime.js";

export interface ProtocolDescription {
  readonly chainId: bigint;
  readonly jsonRpcUrl: string;
  readonly contracts: Record<string, string>;
  readonly accounts: Record<string, string>;
  readonly terms: ProtocolTerms;
}

/** Chain, contracts, platform accounts and terms. Throws `contracts-not-deployed` or `chain-unavailable`. */
export class DescribeProtocolUseCase {
  constructor(
    private readonly contracts: ContractBook,
    private readonly vault: SignerVault,
    private readonly protocol: ProtocolReader,
    private readonly runtime: ChainRuntime,
    private readonly jsonRpcUrl: string,
  ) {}

  async execute(): Promise<ProtocolDescription> {
    if (!this.contracts.loaded) throw contractsNotDeployed();
    const terms = await this.protocol.terms();
    const signers = SIGNERS.map((signer) => [signer, this.vault.addressOf(signer)]);
    return {
      chainId: this.runtime.chainId,
      jsonRpcUrl: this.jsonRpcUrl,
      contracts: Object.fromEntries(this.contracts.addresses()),
      accounts: { ...Object.fromEntries(signers), treasury: terms.treasury },
      terms,
    };
  }
}
