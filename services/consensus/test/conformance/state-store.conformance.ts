import type { StateStore } from "@aios/consensus/domain/ports";
import { type AccountState, NO_CHANGES, type StateChanges } from "@aios/consensus/domain/state";
import { keccak256 } from "@aios/core-keccak/keccak";
import { fromHex, toHex } from "@aios/core-rlp/hex";
import { EMPTY_CODE_HASH, EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import { type Address, address, type Bytes32, bytes32 } from "@aios/kernel/identifiers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

export interface StateStoreUnderTest {
  readonly states: StateStore;
  /** Keeps the state after the changes for good, as a block does; answers its root. */
  commit(parentRoot: Bytes32, changes: StateChanges): Promise<Bytes32>;
  /** Another store on what was on disk at this moment, whatever the first has open; absent in memory. */
  crash?(): Promise<StateStore>;
  close(): Promise<void>;
}

const ONE = address(`0x${"01".repeat(20)}`);
const TWO = address(`0x${"02".repeat(20)}`);
const SLOT = bytes32(`0x${"05".repeat(32)}`);
const OTHER_SLOT = bytes32(`0x${"06".repeat(32)}`);
const CODE = Uint8Array.of(0x60, 0x00, 0x60, 0x00);
const CODE_HASH = bytes32(toHex(keccak256(CODE)));
const UNKNOWN = bytes32(`0x${"fe".repeat(32)}`);

const withBalance = (balance: bigint, change: Partial<AccountState> = {}): AccountState => ({
  nonce: 1n,
  balance,
  storageRoot: EMPTY_TRIE_ROOT,
  codeHash: EMPTY_CODE_HASH,
  ...change,
});
const accounts = (...entries: readonly (readonly [Address, AccountState | null])[]): StateChanges => ({
  ...NO_CHANGES,
  accounts: new Map(entries),
});

/** What every `StateStore` does. */
export function stateStoreConformance(name: string, open: () => Promise<StateStoreUnderTest>): void {
  describe(`${name} as StateStore`, () => {
    let subject: StateStoreUnderTest;
    beforeEach(async () => {
      subject = await open();
    });
    afterEach(() => subject?.close());

    function read<T>(root: Bytes32, work: (state: ReturnType<StateStore["snapshot"]>) => T): T {
      using state = subject.states.snapshot(root);
      return work(state);
    }
    const balances = (root: Bytes32): (bigint | undefined)[] =>
      read(root, (state) => [ONE, TWO].map((each) => state.account(each)?.balance));

    it("keeps each state under its root, the earlier ones too", async () => {
      const first = await subject.commit(EMPTY_TRIE_ROOT, accounts([ONE, withBalance(10n)]));
      const second = await subject.commit(first, accounts([ONE, withBalance(7n)], [TWO, withBalance(3n)]));
      const third = await subject.commit(second, accounts([ONE, null]));
      expect(balances(first)).toEqual([10n, undefined]);
      expect(balances(second)).toEqual([7n, 3n]);
      expect(balances(third)).toEqual([undefined, 3n]);
      expect(balances(EMPTY_TRIE_ROOT)).toEqual([undefined, undefined]);
      expect(new Set([first, second, third]).size).toBe(3);
    });

    it("reads storage and code, and forgets what was cleared", async () => {
      const contract = withBalance(0n, { codeHash: CODE_HASH });
      const deployed = await subject.commit(EMPTY_TRIE_ROOT, {
        accounts: new Map([[ONE, contract]]),
        storage: new Map([
          [
            ONE,
            new Map([
              [SLOT, Uint8Array.of(9)],
              [OTHER_SLOT, Uint8Array.of(8)],
            ]),
          ],
        ]),
        clearedStorage: new Set(),
        codes: new Map([[CODE_HASH, CODE]]),
      });
      const slots = (root: Bytes32): number[][] =>
        read(root, (state) => [SLOT, OTHER_SLOT].map((slot) => [...state.storage(ONE, slot)]));
      expect(slots(deployed)).toEqual([[9], [8]]);
      expect(read(deployed, (state) => [...state.code(CODE_HASH)])).toEqual([...CODE]);
      expect(read(deployed, (state) => [...state.code(EMPTY_CODE_HASH)])).toEqual([]);
      const stored = read(deployed, (state) => state.account(ONE)) ?? contract;
      const cleared = await subject.commit(deployed, {
        accounts: new Map([[ONE, stored]]),
        storage: new Map([[ONE, new Map([[SLOT, Uint8Array.of(1)]])]]),
        clearedStorage: new Set([ONE]),
        codes: new Map(),
      });
      expect(slots(cleared)).toEqual([[1], []]);
      expect(slots(deployed)).toEqual([[9], [8]]);
      const emptied = await subject.commit(cleared, {
        accounts: new Map(),
        storage: new Map([[ONE, new Map([[SLOT, new Uint8Array(0)]])]]),
        clearedStorage: new Set(),
        codes: new Map(),
      });
      expect(read(emptied, (state) => state.account(ONE)?.storageRoot)).toBe(EMPTY_TRIE_ROOT);
    });

    it("shows nothing of later commits in a snapshot that is open", async () => {
      const first = await subject.commit(EMPTY_TRIE_ROOT, accounts([ONE, withBalance(10n)]));
      using state = subject.states.snapshot(first);
      await subject.commit(first, accounts([ONE, withBalance(99n)]));
      expect(state.root).toBe(first);
      expect(state.account(ONE)?.balance).toBe(10n);
    });

    it("says what root changes lead to without keeping anything, and the same whichever way one gets there", async () => {
      const changes = accounts([ONE, withBalance(10n)], [TWO, withBalance(3n)]);
      const { root, trieNodes } = subject.states.commitment(EMPTY_TRIE_ROOT, changes);
      const nodes = [...trieNodes];
      // A new root leads to nothing but leaves here, whose bytes are their RLP alone.
      const leaves = nodes.slice(0, -1);
      expect(leaves).toHaveLength(2);
      for (const { reference, bytes } of leaves)
        expect(toHex(reference.subarray(0, 32))).toBe(toHex(keccak256(bytes)));
      expect(nodes.at(-1)?.reference).toEqual(fromHex(root));
      expect(() => subject.states.snapshot(root)).toThrow();
      const first = await subject.commit(EMPTY_TRIE_ROOT, accounts([TWO, withBalance(3n)]));
      expect(await subject.commit(first, accounts([ONE, withBalance(10n)]))).toBe(root);
      expect(balances(root)).toEqual([10n, 3n]);
    });

    it("proves what is there and what is not, from the root down", async () => {
      const root = await subject.commit(EMPTY_TRIE_ROOT, {
        accounts: new Map([[ONE, withBalance(10n)]]),
        storage: new Map([[ONE, new Map([[SLOT, Uint8Array.of(9)]])]]),
        clearedStorage: new Set(),
        codes: new Map(),
      });
      const present = subject.states.proof(root, ONE, [SLOT, OTHER_SLOT]);
      expect(present.account.balance).toBe(10n);
      expect(present.storageProof.map(({ slot, value }) => [slot, [...value]])).toEqual([
        [SLOT, [9]],
        [OTHER_SLOT, []],
      ]);
      const absent = subject.states.proof(root, TWO, []);
      expect(absent.account.balance).toBe(0n);
      for (const { accountProof } of [present, absent])
        expect(toHex(keccak256(accountProof[0] ?? new Uint8Array(0)))).toBe(root);
    });

    it("has no state of a root that it does not keep", () => {
      const unavailable = expect.objectContaining({ code: "state-unavailable" }) as Error;
      expect(() => subject.states.snapshot(UNKNOWN)).toThrow(unavailable);
      expect(() => subject.states.proof(UNKNOWN, ONE, [])).toThrow(unavailable);
      expect(() => subject.states.commitment(UNKNOWN, NO_CHANGES)).toThrow(unavailable);
      expect(fromHex(UNKNOWN)).toHaveLength(32);
    });

    it("has every state that was committed after a crash", async ({ skip }) => {
      const crash = subject.crash?.bind(subject);
      if (crash === undefined) return skip("this store lives in the process");
      const first = await subject.commit(EMPTY_TRIE_ROOT, accounts([ONE, withBalance(10n)]));
      const second = await subject.commit(first, accounts([ONE, withBalance(4n)]));
      const again = await crash();
      for (const [root, balance] of [
        [first, 10n],
        [second, 4n],
      ] as const) {
        using state = again.snapshot(root);
        expect(state.account(ONE)?.balance).toBe(balance);
      }
      expect(again.commitment(second, accounts([ONE, withBalance(10n)])).root).toBe(first);
    });
  });
}
