import type { Peer } from "@aios/testkit/peer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ContractBook } from "../../src/domain/ports.js";

export interface ContractBookUnderTest {
  /** A book as a process opens it that has just started. */
  open(): ContractBook;
  readonly peer: Peer;
  /** Puts the contracts on the chain, which has none before; answers their addresses by name. */
  deploy(): Promise<Readonly<Record<string, string>>>;
  /** A function of a contract, and the first four bytes of calls of it. */
  readonly known: { readonly contract: string; readonly name: string; readonly selector: Uint8Array };
  close(): Promise<void>;
}

/** What every `ContractBook` does; the tests follow one chain. */
export function contractBookConformance(name: string, start: () => Promise<ContractBookUnderTest>): void {
  describe(`${name} as ContractBook`, () => {
    let subject: ContractBookUnderTest;
    beforeAll(async () => {
      subject = await start();
    });
    afterAll(() => subject?.close());

    it("is empty until all contracts exist, and says so", async () => {
      const book = subject.open();
      await expect(book.load()).rejects.toMatchObject({ code: "contracts-not-deployed" });
      expect(book.loaded).toBe(false);
      expect(book.addressOf(subject.known.contract)).toBeUndefined();
      expect(book.addresses().size).toBe(0);
    });

    it("knows every contract once they exist, and keeps what it knows without the node", async () => {
      const book = subject.open();
      const deployed = Object.entries(await subject.deploy());
      await book.load();
      expect(book.loaded).toBe(true);
      await subject.peer.kill();
      await book.load();
      for (const [contract, address] of deployed)
        if (book.addresses().has(contract)) expect(book.addressOf(contract)).toBe(address.toLowerCase());
      expect(book.addresses().size).toBeGreaterThan(1);
      expect(book.addressOf("NoSuchContract")).toBeUndefined();
      await expect(subject.open().load()).rejects.toMatchObject({ code: "chain-unavailable" });
      await subject.peer.restart();
      await subject.open().load();
    });

    it("names the function that a call is of, and none for what is no call", async () => {
      const book = subject.open();
      await book.load();
      const { contract, name: called, selector } = subject.known;
      expect(book.functionOf(contract, Uint8Array.of(...selector, 1, 2, 3))).toBe(called);
      expect(book.functionOf(contract, selector.subarray(0, 3))).toBeUndefined();
      expect(book.functionOf(contract, Uint8Array.of(0xde, 0xad, 0xbe, 0xef))).toBeUndefined();
      expect(book.functionOf("NoSuchContract", selector)).toBeUndefined();
    });
  });
}
