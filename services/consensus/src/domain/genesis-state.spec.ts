import { keccak256 } from "@aios/core-keccak/keccak";
import { toHex } from "@aios/core-rlp/hex";
import { EMPTY_CODE_HASH, EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import { TrieCache } from "@aios/core-trie/trie-cache";
import { type Address, address, type Bytes32, bytes32 } from "@aios/kernel/identifiers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { GenesisAccount } from "./genesis.js";
import { buildGenesisState } from "./genesis-state.js";
import type { AccountState, StateChanges } from "./state.js";
import { commitState, TrieState } from "./state-commitment.js";

const CODE = Uint8Array.of(0x60, 0);
const CODE_HASH = bytes32(toHex(keccak256(CODE)));

const owner = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => address(toHex(bytes)));
const slots = fc
  .array(fc.tuple(fc.nat(9), fc.uint8Array({ minLength: 1, maxLength: 32 })), { maxLength: 3 })
  .map((all) => new Map(all.map(([slot, value]) => [wordOf(slot), Uint8Array.of(1, ...value.slice(1))])));
const account: fc.Arbitrary<GenesisAccount> = fc.record({
  balance: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
  nonce: fc.bigInt({ min: 0n, max: 2n ** 53n }),
  code: fc.constantFrom(new Uint8Array(0), CODE),
  storage: slots,
});
const accounts = fc.uniqueArray(fc.tuple(owner, account), { maxLength: 300, selector: ([one]) => one });

function wordOf(value: number): Bytes32 {
  return bytes32(`0x${value.toString(16).padStart(64, "0")}`);
}

/** Every account in one difference, as small chains could do it. */
function atOnce(all: readonly (readonly [Address, GenesisAccount])[]): Bytes32 {
  const changed = new Map<Address, AccountState>();
  const storage = new Map<Address, ReadonlyMap<Bytes32, Uint8Array>>();
  for (const [one, { nonce, balance, code, storage: own }] of all) {
    const codeHash = code.length === 0 ? EMPTY_CODE_HASH : CODE_HASH;
    changed.set(one, { nonce, balance, codeHash, storageRoot: EMPTY_TRIE_ROOT });
    if (own.size > 0) storage.set(one, own);
  }
  const changes: StateChanges = { accounts: changed, storage, codes: new Map(), clearedStorage: new Set() };
  const tries = new TrieCache(() => undefined, { maxTries: 1, maxNodes: 100_000, keptLevels: 9 });
  return commitState(EMPTY_TRIE_ROOT, tries, changes).root;
}

describe("buildGenesisState", () => {
  it("gives the root of all accounts at once, and every node of it, in parts of any size", async () => {
    await fc.assert(
      fc.asyncProperty(accounts, fc.integer({ min: 1, max: 40 }), async (all, partAccounts) => {
        const nodes = new Map<string, Uint8Array>();
        const seen: Address[] = [];
        const root = await buildGenesisState(
          all,
          async ({ changes, trieNodes }) => {
            for (const { reference, bytes } of trieNodes) nodes.set(toHex(reference), bytes);
            seen.push(...changes.accounts.keys());
          },
          partAccounts,
        );
        expect(root).toBe(atOnce(all));
        expect(seen.toSorted()).toEqual(all.map(([one]) => one).toSorted());
        const state = new TrieState(root, (hash) => nodes.get(toHex(hash)));
        for (const [one, { balance, nonce, storage }] of all) {
          expect(state.account(one)).toMatchObject({ balance, nonce });
          for (const [slot, value] of storage) expect(state.storage(one, slot)).toEqual(value);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("refuses an account that comes twice", async () => {
    const one = address(`0x${"01".repeat(20)}`);
    const empty: GenesisAccount = { balance: 1n, nonce: 0n, code: new Uint8Array(0), storage: new Map() };
    const twice = buildGenesisState(
      [
        [one, empty],
        [one, empty],
      ],
      () => Promise.resolve(),
    );
    await expect(twice).rejects.toMatchObject({ code: "invalid-genesis", field: `alloc.${one}` });
  });
});
