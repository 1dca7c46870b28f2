import { keccak256 } from "@aios/core-keccak/keccak";
import { fromHex, toHex } from "@aios/core-rlp/hex";
import type { Bytes32 } from "@aios/kernel/identifiers";
import { MerklePatriciaTrie as ReferenceTrie, verifyMerkleProof } from "@ethereumjs/mpt";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EMPTY_TRIE_ROOT } from "./empty-hashes.js";
import { MerklePatriciaTrie } from "./merkle-patricia-trie.js";
import { NewNodes } from "./new-nodes.js";
import { HASH_BYTES, PLACE_BYTES } from "./trie-node.js";

class Store {
  readonly nodes = new Map<Bytes32, Uint8Array>();
  readonly load = (hash: Uint8Array): Uint8Array | undefined => this.nodes.get(toHex(hash) as Bytes32);
  readonly keep = (hash: Uint8Array, rlp: Uint8Array): void => {
    this.nodes.set(toHex(hash) as Bytes32, rlp);
  };
}

// Few distinct nibbles, so that keys share prefixes and are prefixes of each other.
const key = fc
  .array(fc.constantFrom(0x00, 0x01, 0x10, 0x11, 0xf0), { minLength: 1, maxLength: 4 })
  .map((bytes) => Uint8Array.from(bytes));
const value = fc.uint8Array({ minLength: 0, maxLength: 40 });
const batches = fc.array(fc.array(fc.tuple(key, value), { maxLength: 12 }), { minLength: 1, maxLength: 4 });

describe("MerklePatriciaTrie", () => {
  it("has Ethereum's root when empty", () => {
    expect(new MerklePatriciaTrie(EMPTY_TRIE_ROOT, () => undefined).commit(() => undefined)).toBe(
      EMPTY_TRIE_ROOT,
    );
  });

  it("agrees with @ethereumjs/mpt after every batch of writes and removals, reloaded in between", async () => {
    await fc.assert(
      fc.asyncProperty(batches, async (all) => {
        const store = new Store();
        const model = new Map<string, Uint8Array>();
        let root = EMPTY_TRIE_ROOT;
        for (const batch of all) {
          const trie = new MerklePatriciaTrie(root, store.load);
          for (const [k, v] of batch) {
            trie.put(k, v);
            if (v.length === 0) {
              model.delete(toHex(k));
            } else {
              model.set(toHex(k), v);
            }
          }
          root = trie.commit(store.keep);
          // Built anew: the root depends on the content alone, not on how it came about.
          const reference = new ReferenceTrie();
          for (const [k, v] of model) await reference.put(fromHex(k), v);
          expect(root).toBe(toHex(reference.root()));
          const reloaded = new MerklePatriciaTrie(root, store.load);
          for (const [k] of batch) expect(reloaded.get(k)).toEqual(model.get(toHex(k)));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("is the same where nodes are stored by place, after nodes by hash or before them", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(batches, fc.boolean()), { maxLength: 4 }), (runs) => {
        const [store, plainStore] = [new Store(), new Store()];
        let [root, places] = [EMPTY_TRIE_ROOT, 0];
        for (const [all, byPlace] of runs)
          for (const batch of all) {
            const trie = new MerklePatriciaTrie(root, store.load);
            const plain = new MerklePatriciaTrie(root, plainStore.load);
            for (const [k, v] of batch) for (const each of [trie, plain]) each.put(k, v);
            const before = store.nodes.size;
            root = trie.commit(store.keep, byPlace ? () => ++places : undefined);
            expect(root).toBe(plain.commit(plainStore.keep));
            const added = [...store.nodes.keys()].slice(before);
            if (!byPlace) expect(added.filter((name) => name.length > root.length)).toEqual([]);
            const reloaded = new MerklePatriciaTrie(root, store.load);
            expect([...reloaded.entries()]).toEqual([...plain.entries()]);
            for (const [k] of batch) expect(reloaded.proof(k)).toEqual(plain.proof(k));
          }
      }),
      { numRuns: 100 },
    );
  });

  it("stores each node but the root by the place that it is given, and finds it there alone", () => {
    const store = new Store();
    const trie = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, store.load);
    for (let i = 0; i < 300; i++) trie.put(keccak256(Uint8Array.of(i >> 8, i)), new Uint8Array(40).fill(i));
    let places = 2 ** 40;
    const root = trie.commit(store.keep, () => ++places);
    const names = [...store.nodes.keys()].map(fromHex);
    expect(names.at(-1)).toEqual(fromHex(root));
    const placeOf = (name: Uint8Array): number => Buffer.from(name).readUIntBE(HASH_BYTES, PLACE_BYTES);
    expect(names.slice(0, -1).map(placeOf)).toEqual(names.slice(1).map((_, at) => 2 ** 40 + at + 1));
    const gone = names[7] as Uint8Array;
    store.nodes.delete(toHex(gone) as Bytes32);
    store.nodes.set(toHex(gone.subarray(0, HASH_BYTES)) as Bytes32, new Uint8Array(0));
    expect(() => [...new MerklePatriciaTrie(root, store.load).entries()]).toThrow(/missing/);
  });

  it("proves presence and absence to an independent verifier", async () => {
    const store = new Store();
    const trie = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, store.load);
    const keys = Array.from({ length: 200 }, (_, i) => keccak256(Uint8Array.of(i)));
    for (const [i, k] of keys.entries()) trie.put(k, Uint8Array.of(i + 1, 1));
    const root = fromHex(trie.commit(store.keep));
    for (const [i, k] of keys.entries()) {
      expect(await verifyMerkleProof(k, trie.proof(k), { root })).toEqual(Uint8Array.of(i + 1, 1));
    }
    const absent = keccak256(new TextEncoder().encode("absent"));
    expect(await verifyMerkleProof(absent, trie.proof(absent), { root })).toBeNull();
  });

  it("fails on a missing node instead of guessing", () => {
    const store = new Store();
    const trie = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, store.load);
    for (let i = 0; i < 40; i++) trie.put(keccak256(Uint8Array.of(i)), new Uint8Array(40).fill(i));
    const root = trie.commit(store.keep);
    store.nodes.delete(root);
    expect(() => new MerklePatriciaTrie(root, store.load).get(keccak256(Uint8Array.of(1)))).toThrow(
      /missing/,
    );
  });

  it("keeps a fork apart: what is written to one is neither seen nor stored by the other", () => {
    fc.assert(
      fc.property(batches, fc.array(fc.tuple(key, value), { maxLength: 12 }), (all, pending) => {
        const store = new Store();
        const committed = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, store.load);
        for (const [k, v] of all.flat()) committed.put(k, v);
        const root = committed.commit(store.keep);
        const before = [...committed.entries()];
        const fork = committed.fork();
        const forkStore = new Store();
        for (const [k, v] of pending) fork.put(k, v);
        const forkRoot = fork.commit(forkStore.keep);
        expect(committed.commit(store.keep)).toBe(root);
        expect([...committed.entries()]).toEqual(before);
        expect([...new MerklePatriciaTrie(root, store.load).entries()]).toEqual(before);
        const both = (hash: Uint8Array): Uint8Array | undefined => forkStore.load(hash) ?? store.load(hash);
        expect([...new MerklePatriciaTrie(forkRoot, both).entries()]).toEqual([...fork.entries()]);
      }),
      { numRuns: 300 },
    );
  });

  it("gives each of two forks its own root when the steps of their commits alternate", () => {
    const some = fc.array(fc.tuple(key, value), { maxLength: 20 });
    fc.assert(
      fc.property(batches, some, some, (all, one, other) => {
        const store = new Store();
        const committed = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, store.load);
        for (const [k, v] of all.flat()) committed.put(k, v);
        committed.commit(store.keep);
        const written = (writes: typeof one): MerklePatriciaTrie => {
          const fork = committed.fork();
          for (const [k, v] of writes) fork.put(k, v);
          return fork;
        };
        const expected = [one, other].map((writes) => written(writes).commit(store.keep));
        const running = [one, other].map((writes) => written(writes).commitSteps(new NewNodes()));
        const roots: (string | undefined)[] = [undefined, undefined];
        while (roots.includes(undefined))
          for (const [index, steps] of running.entries()) {
            const step = steps.next();
            if (step.done === true) roots[index] ??= step.value;
            else committed.shrink(1);
          }
        expect(roots).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  it("gives the same roots and proofs after forgetting nodes", () => {
    fc.assert(
      fc.property(
        batches,
        fc.array(fc.tuple(key, value), { maxLength: 12 }),
        fc.nat(3),
        (all, more, levels) => {
          const store = new Store();
          const trie = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, store.load);
          const kept = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, store.load);
          for (const [k, v] of all.flat()) for (const t of [trie, kept]) t.put(k, v);
          expect(trie.commit(store.keep)).toBe(kept.commit(store.keep));
          trie.shrink(levels);
          for (const [k] of all.flat()) expect(trie.proof(k)).toEqual(kept.proof(k));
          trie.shrink(levels);
          for (const [k, v] of more) for (const t of [trie, kept]) t.put(k, v);
          expect(trie.commit(store.keep)).toBe(kept.commit(store.keep));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("has, block after block, the root and proofs of the same entries put at once", () => {
    const change = fc.tuple(fc.nat(400), fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 120 })));
    const block = fc.record({
      changes: fc.array(change, { maxLength: 80 }),
      isPlaced: fc.boolean(),
      next: fc.constantFrom("kept", "reloaded", "shrunk", "forked"),
    });
    const keyOf = (index: number): Uint8Array => keccak256(Uint8Array.of(index >> 8, index));
    fc.assert(
      fc.property(fc.array(block, { minLength: 2, maxLength: 6 }), (blocks) => {
        const store = new Store();
        const model = new Map<number, Uint8Array>();
        let trie = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, store.load);
        let places = 0;
        for (const [number, { changes, isPlaced, next }] of blocks.entries()) {
          for (const [index, length] of changes) {
            const content = new Uint8Array(length).fill(number + 1);
            trie.put(keyOf(index), content);
            if (length === 0) model.delete(index);
            else model.set(index, content);
          }
          const root = trie.commit(store.keep, isPlaced ? () => ++places : undefined);
          const anew = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, () => undefined);
          for (const [index, content] of model) anew.put(keyOf(index), content);
          expect(root).toBe(anew.commit(() => undefined));
          for (const [index] of changes) {
            expect(trie.get(keyOf(index))).toEqual(model.get(index));
            expect(trie.proof(keyOf(index))).toEqual(anew.proof(keyOf(index)));
          }
          if (next === "reloaded") trie = new MerklePatriciaTrie(root, store.load);
          else if (next === "shrunk") trie.shrink(2);
          else if (next === "forked") trie = trie.fork();
        }
      }),
      { numRuns: 100 },
    );
  });

  it("refuses to fork what is not committed", () => {
    const trie = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, () => undefined);
    trie.put(Uint8Array.of(1), Uint8Array.of(1));
    expect(() => trie.fork()).toThrow(/committed/);
  });

  it("lists entries in the order of their keys", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.uint8Array({ minLength: 1, maxLength: 40 }))), (writes) => {
        const trie = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, () => undefined);
        const model = new Map<string, Uint8Array>();
        for (const [k, v] of writes) {
          trie.put(k, v);
          model.set(toHex(k), v);
        }
        const expected = [...model].sort(([a], [b]) => (a < b ? -1 : 1));
        expect([...trie.entries()].map(([k, v]) => [toHex(k), v])).toEqual(expected);
      }),
    );
  });
});
