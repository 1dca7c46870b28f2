import type { GenesisAccount } from "@aios/consensus/domain/genesis";
import type { FoundingStore } from "@aios/consensus/domain/ports";
import { type Address, address, type Bytes32, bytes32 } from "@aios/kernel/identifiers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

export interface FoundingStoreUnderTest {
  readonly states: FoundingStore;
  /** Stores block 0, which names the root. */
  begin(root: Bytes32): Promise<void>;
  /** What would be there after a crash at this moment. */
  crash(): Promise<FoundingStoreUnderTest>;
  close(): Promise<void>;
}

const ONE = address(`0x${"01".repeat(20)}`);
const TWO = address(`0x${"02".repeat(20)}`);
const SLOT = bytes32(`0x${"05".repeat(32)}`);
const account = (balance: bigint, change: Partial<GenesisAccount> = {}): GenesisAccount => ({
  balance,
  nonce: 0n,
  code: new Uint8Array(0),
  storage: new Map(),
  ...change,
});
const FIRST = new Map([
  [ONE, account(10n)],
  [
    TWO,
    account(0n, { nonce: 1n, code: Uint8Array.of(0x60, 0x00), storage: new Map([[SLOT, Uint8Array.of(9)]]) }),
  ],
]);
const SECOND = new Map([[ONE, account(11n)]]);

/** What every `FoundingStore` does, beside what a `StateStore` does. */
export function foundingStoreConformance(name: string, open: () => Promise<FoundingStoreUnderTest>): void {
  describe(`${name} as FoundingStore`, () => {
    let subject: FoundingStoreUnderTest;
    beforeEach(async () => {
      subject = await open();
    });
    afterEach(() => subject?.close());

    function balanceOf(root: Bytes32, owner: Address, { states } = subject): bigint | undefined {
      using state = states.snapshot(root);
      return state.account(owner)?.balance;
    }

    it("begins with the accounts that it is given, code and storage included", async () => {
      const root = await subject.states.found(FIRST);
      await subject.begin(root);
      expect(balanceOf(root, ONE)).toBe(10n);
      using state = subject.states.snapshot(root);
      const contract = state.account(TWO);
      expect(contract?.nonce).toBe(1n);
      expect(Buffer.from(state.storage(TWO, SLOT) ?? [])).toEqual(Buffer.of(9));
      expect(Buffer.from(state.code(contract?.codeHash as Bytes32))).toEqual(Buffer.of(0x60, 0x00));
    });

    it("begins anew as long as no block names a root, and leaves nothing of what was begun before", async () => {
      const abandoned = await subject.states.found(FIRST);
      const root = await subject.states.found(SECOND);
      expect(await subject.states.found(SECOND)).toBe(root);
      await subject.begin(root);
      expect(balanceOf(root, ONE)).toBe(11n);
      expect(balanceOf(root, TWO)).toBeUndefined();
      expect(() => subject.states.snapshot(abandoned)).toThrow(
        expect.objectContaining({ code: "state-unavailable" }),
      );
    });

    it("answers the same root again once the chain has begun, and changes nothing", async () => {
      const root = await subject.states.found(FIRST);
      await subject.begin(root);
      expect(await subject.states.found(FIRST)).toBe(root);
      expect(await subject.states.found(SECOND)).not.toBe(root);
      expect(balanceOf(root, ONE)).toBe(10n);
    });

    it("begins anew after a crash before block 0, and has all of the first state after one behind it", async () => {
      const abandoned = await subject.states.found(FIRST);
      const before = await subject.crash();
      const root = await before.states.found(SECOND);
      await before.begin(root);
      expect(() => before.states.snapshot(abandoned)).toThrow(
        expect.objectContaining({ code: "state-unavailable" }),
      );
      const behind = await before.crash();
      expect(balanceOf(root, ONE, behind)).toBe(11n);
      expect(await behind.states.found(SECOND)).toBe(root);
    });
  });
}
