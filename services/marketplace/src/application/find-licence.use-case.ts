import type { Address } from "@aios/kernel/identifiers";
import type { ChainReader, ChainWriter, PurchaseStore } from "../domain/ports.js";

const MAX_LICENCES_CHECKED = 8;

/** The licence that lets an account use a model, confirmed by the chain: a licence may have moved since its sale. */
export class FindLicenceUseCase {
  constructor(
    private readonly purchases: PurchaseStore,
    private readonly chain: ChainWriter,
    private readonly reader: ChainReader,
  ) {}

  async find(modelId: bigint, account: Address): Promise<bigint | undefined> {
    const bought = await this.purchases.licencesOf(modelId, account, MAX_LICENCES_CHECKED);
    if (bought.length === 0) return undefined;
    const { modelLicence } = await this.chain.signingContext();
    for (const { licenceId } of bought) {
      if (await this.reader.isLicensed(modelLicence, modelId, licenceId, account)) return licenceId;
    }
    return undefined;
  }
}
