import { EMPTY_CODE_HASH, EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AccountState } from "../../domain/state.js";
import { LatestAccounts } from "./latest-accounts.js";

const addressOf = (index: number): Address => `0x${index.toString(16).padStart(40, "0")}` as Address;
const rootOf = (index: number): Bytes32 => `0x${index.toString(16).padStart(64, "0")}` as Bytes32;
const account = (nonce: number): AccountState => ({
  nonce: BigInt(nonce),
  balance: 0n,
  codeHash: EMPTY_CODE_HASH,
  storageRoot: EMPTY_TRIE_ROOT,
});

describe("LatestAccounts", () => {
  it("never says anything that the latest state does not, whatever was read, written and forgotten", () => {
    const block = fc.array(fc.tuple(fc.nat(30), fc.option(fc.nat(100))), { maxLength: 20 });
    const reads = fc.array(fc.nat(30), { maxLength: 10 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(block, reads), { maxLength: 12 }),
        fc.integer({ min: 1, max: 12 }),
        (all, size) => {
          const cache = new LatestAccounts(size);
          const truth = new Map<Address, AccountState | null>();
          all.forEach(([writes, read], index) => {
            const changes = new Map(
              writes.map(([at, nonce]) => [addressOf(at), nonce === null ? null : account(nonce)]),
            );
            for (const [address, value] of changes) truth.set(address, value);
            const root = rootOf(index + 1);
            cache.advance(root, changes);
            for (const at of read) {
              const address = addressOf(at);
              const known = cache.get(root, address);
              if (known !== undefined) expect(known).toEqual(truth.get(address) ?? null);
              cache.keep(root, address, truth.get(address) ?? null);
              cache.keep(rootOf(index), address, account(1_000));
              expect(cache.get(root, address)).toEqual(truth.get(address) ?? null);
              expect(cache.get(rootOf(index), address)).toBeUndefined();
            }
          });
        },
      ),
    );
  });
});
