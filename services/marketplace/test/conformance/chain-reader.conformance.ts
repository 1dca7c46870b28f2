import type { Address } from "@aios/kernel/identifiers";
import { expectOutageSurvived, type Peer } from "@aios/testkit/peer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChainReader } from "../../src/domain/ports.js";

export interface ChainReaderUnderTest {
  readonly reader: ChainReader;
  readonly peer: Peer;
  readonly token: Address;
  readonly modelLicence: Address;
  /** Has used one permit, and owns the licence. */
  readonly owner: Address;
  /** Has done neither. */
  readonly stranger: Address;
  readonly modelId: bigint;
  readonly licenceId: bigint;
  close(): Promise<void>;
}

/** What every `ChainReader` of the marketplace does. */
export function chainReaderConformance(name: string, open: () => Promise<ChainReaderUnderTest>): void {
  describe(`${name} as ChainReader`, () => {
    let subject: ChainReaderUnderTest;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close());

    it("reads the nonce of an account's next permit", async () => {
      const { reader, token, owner, stranger } = subject;
      expect(await reader.permitNonce(token, owner)).toBe(1n);
      expect(await reader.permitNonce(token, stranger)).toBe(0n);
    });

    it("knows a licence by model, number and owner", async () => {
      const { reader, modelLicence, owner, stranger, modelId, licenceId } = subject;
      expect(await reader.isLicensed(modelLicence, modelId, licenceId, owner)).toBe(true);
      expect(await reader.isLicensed(modelLicence, modelId, licenceId, stranger)).toBe(false);
      expect(await reader.isLicensed(modelLicence, modelId + 1n, licenceId, owner)).toBe(false);
      expect(await reader.isLicensed(modelLicence, modelId, licenceId + 1n, owner)).toBe(false);
    });

    it("says when a contract does not answer, and when the node is away, and reads the same afterwards", async () => {
      const { reader, peer, token, owner, stranger } = subject;
      await expect(reader.permitNonce(stranger, owner)).rejects.toMatchObject({ code: "chain-unavailable" });
      await expectOutageSurvived(peer, () => reader.permitNonce(token, owner), "chain-unavailable");
    });
  });
}
