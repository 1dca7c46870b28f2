import type { Address } from "@aios/kernel/identifiers";
import { expectOutageSurvived, type Peer } from "@aios/testkit/peer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AccountBalances, ProtocolReader, ProtocolTerms } from "../../src/domain/ports.js";

export interface ProtocolReaderUnderTest {
  readonly reader: ProtocolReader;
  /** The same on a chain without the contracts. */
  readonly bare: ProtocolReader;
  readonly peer: Peer;
  readonly terms: ProtocolTerms;
  readonly account: Address;
  readonly balances: Omit<AccountBalances, "atBlock">;
  close(): Promise<void>;
}

/** What every `ProtocolReader` does. */
export function protocolReaderConformance(name: string, open: () => Promise<ProtocolReaderUnderTest>): void {
  describe(`${name} as ProtocolReader`, () => {
    let subject: ProtocolReaderUnderTest;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close());

    it("reads the terms and an account's balances, all at one block", async () => {
      const { reader, terms, account, balances } = subject;
      expect(await reader.terms()).toEqual(terms);
      const read = await reader.balances(account);
      expect(read).toMatchObject(balances);
      expect(read.atBlock).toBeGreaterThan(0n);
    });

    it("says where the contracts do not exist", async () => {
      const missing = { code: "contracts-not-deployed", kind: "unavailable" };
      await expect(subject.bare.terms()).rejects.toMatchObject(missing);
      await expect(subject.bare.balances(subject.account)).rejects.toMatchObject(missing);
    });

    it("says when the node is away, and reads the same when it is back", async () => {
      const read = async () => ({ ...(await subject.reader.balances(subject.account)), atBlock: 0n });
      await expectOutageSurvived(subject.peer, read, "chain-unavailable");
    });
  });
}
