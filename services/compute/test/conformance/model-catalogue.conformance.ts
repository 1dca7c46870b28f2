import type { Address } from "@aios/kernel/identifiers";
import { expectOutageSurvived, type Peer } from "@aios/testkit/peer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ModelCatalogue } from "../../src/domain/ports.js";

export interface ModelCatalogueUnderTest {
  readonly catalogue: ModelCatalogue;
  readonly peer: Peer;
  /** A published model, its owner and the price of a licence. */
  readonly modelId: number;
  readonly owner: Address;
  readonly licencePriceWei: string;
  /** Number of the licence that this account has of it. */
  readonly licensed: { readonly account: Address; readonly licenceId: number };
  readonly stranger: Address;
  readonly unknownModelId: number;
  close(): Promise<void>;
}

/** What every `ModelCatalogue` does. */
export function modelCatalogueConformance(name: string, open: () => Promise<ModelCatalogueUnderTest>): void {
  describe(`${name} as ModelCatalogue`, () => {
    let subject: ModelCatalogueUnderTest;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close());

    it("knows a published model with what a job commits to", async () => {
      const { catalogue, modelId, owner } = subject;
      const model = await catalogue.model(modelId);
      expect(model).toMatchObject({ modelId, published: true, owner });
      for (const bytes of [model.modelCommitment, model.verifyingKeyHash]) expect(bytes).toHaveLength(32);
      expect(model.contentCid).toMatch(/^baf/);
      expect(model.usageFeeWei).toMatch(/^[0-9]+$/);
      expect(model.royaltyBps).toBeGreaterThan(0);
    });

    it("knows who has a licence of it, and what one costs", async () => {
      const { catalogue, modelId, licensed, stranger, licencePriceWei } = subject;
      const { licenceId } = licensed;
      expect(await catalogue.licence(modelId, licensed.account)).toEqual({ licenceId, licencePriceWei });
      expect(await catalogue.licence(modelId, stranger)).toEqual({ licenceId: 0, licencePriceWei });
    });

    it("knows no model that was not published", async () => {
      await expect(subject.catalogue.model(subject.unknownModelId)).rejects.toMatchObject({
        code: "model-not-found",
      });
    });

    it("says when the marketplace is away, and knows the same when it is back", async () => {
      const { catalogue, peer, modelId, licensed } = subject;
      await expectOutageSurvived(peer, async () => [
        await catalogue.model(modelId),
        await catalogue.licence(modelId, licensed.account),
      ]);
    });
  });
}
