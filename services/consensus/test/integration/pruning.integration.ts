import { ChainDatabase } from "@aios/consensus/adapters/lmdb/chain-database";
import { LmdbBlockStore } from "@aios/consensus/adapters/lmdb/lmdb-block-store";
import { LmdbStateStore } from "@aios/consensus/adapters/lmdb/lmdb-state-store";
import { TrieSweep } from "@aios/consensus/adapters/lmdb/trie-sweep";
import type { AccountState, StateChanges } from "@aios/consensus/domain/state";
import { bytes32Of } from "@aios/core-rlp/hex";
import { EMPTY_CODE_HASH, EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import { type Address, address, type Bytes32 } from "@aios/kernel/identifiers";
import { SeededRng } from "@aios/kernel/random";
import { systemClock } from "@aios/service-kit/system-clock";
import { temporaryDirectory } from "@aios/testkit/temporary-directory";
import { afterEach, describe, expect, it } from "vitest";
import { sampleBlock, sampleCodec, sampleTransfer } from "../support/sample-blocks.js";

const SWEEP = { keptStates: 6, minNodes: 100, sliceMs: 1, pauseMs: 1 };
/** More than the blocks that a store remembers. */
const KEPT_BLOCKS = 80;
const OWNERS = 60;

const owner = (index: number): Address => address(`0x${index.toString(16).padStart(40, "a")}`);
const word = (value: number): Bytes32 =>
  bytes32Of(Uint8Array.from({ length: 32 }, (_, at) => (at === 31 ? value : 0)));

/** A pruned chain of random changes, and what its states held. */
class PrunedChain {
  readonly #directory: string;
  readonly #rng = new SeededRng(7);
  readonly expected: { readonly root: Bytes32; readonly balances: ReadonlyMap<Address, bigint> }[] = [];
  readonly #balances = new Map<Address, bigint>();
  readonly failures: unknown[] = [];
  database: ChainDatabase;
  states: LmdbStateStore;
  blocks: LmdbBlockStore;
  sweep: TrieSweep;

  constructor(directory: string) {
    this.#directory = directory;
    this.database = new ChainDatabase(directory);
    this.states = new LmdbStateStore(this.database);
    this.sweep = new TrieSweep(this.database, systemClock, SWEEP);
    this.blocks = this.#newBlocks();
  }

  #newBlocks(): LmdbBlockStore {
    const onFailure = (error: unknown): void => void this.failures.push(error);
    return new LmdbBlockStore(this.database, sampleCodec, {
      keptBlocks: KEPT_BLOCKS,
      sweep: this.sweep,
      onFailure,
    });
  }

  /** As after a crash: whatever was in progress is left where it was. */
  async reopen(): Promise<void> {
    await this.sweep.stop();
    await this.database.close();
    this.database = new ChainDatabase(this.#directory);
    this.states = new LmdbStateStore(this.database);
    this.sweep = new TrieSweep(this.database, systemClock, SWEEP);
    this.blocks = this.#newBlocks();
  }

  /** Accounts come, change and go; some have storage, often the same as another's or as before. */
  async grow(): Promise<void> {
    const parent = this.blocks.head();
    const accounts = new Map<Address, AccountState | null>();
    const storage = new Map<Address, ReadonlyMap<Bytes32, Uint8Array>>();
    for (let change = 0; change < 4; change++) {
      const who = owner(this.#rng.below(OWNERS));
      if (this.#rng.below(8) === 0) {
        accounts.set(who, null);
        storage.delete(who);
        this.#balances.delete(who);
        continue;
      }
      const balance = BigInt(1 + this.#rng.below(5));
      const known =
        parent === undefined || accounts.has(who) ? undefined : this.#account(parent.stateRoot, who);
      const storageRoot = known?.storageRoot ?? EMPTY_TRIE_ROOT;
      accounts.set(who, { nonce: 1n, balance, codeHash: EMPTY_CODE_HASH, storageRoot });
      this.#balances.set(who, balance);
      if (this.#rng.below(2) === 0)
        storage.set(
          who,
          new Map([0, 1, 2].map((slot) => [word(slot), Uint8Array.of(1 + this.#rng.below(2))])),
        );
    }
    const changes: StateChanges = { accounts, storage, codes: new Map(), clearedStorage: new Set() };
    const commitment = this.states.commitment(parent?.stateRoot ?? EMPTY_TRIE_ROOT, changes);
    const content = {
      stateRoot: commitment.root,
      changes: commitment.changes,
      trieNodes: commitment.trieNodes,
      tries: commitment.tries,
    };
    await this.blocks.append(sampleBlock(parent, content));
    this.expected.push({ root: commitment.root, balances: new Map(this.#balances) });
  }

  #account(root: Bytes32, who: Address): AccountState | undefined {
    using snapshot = this.states.snapshot(root);
    return snapshot.account(who);
  }

  /** Every account of a state, read from its trie. */
  read(index: number): ReadonlyMap<Address, bigint> {
    const { root } = this.expected[index] as (typeof this.expected)[number];
    const out = new Map<Address, bigint>();
    for (let at = 0; at < OWNERS; at++) {
      const slots = [0, 1, 2].map(word);
      const { account } = this.states.proof(root, owner(at), slots);
      if (account.balance > 0n) out.set(owner(at), account.balance);
    }
    return out;
  }
}

describe("a pruned chain", () => {
  const directory = temporaryDirectory("pruning");
  let chain: PrunedChain;
  afterEach(async () => {
    await chain.sweep.stop();
    await chain.database.close();
    directory.remove();
  });

  it("keeps the last states whole and the last blocks, through crashes, in bounded room", async () => {
    chain = new PrunedChain(directory.path);
    let most = 0;
    for (let height = 0; height < 240; height++) {
      await chain.grow();
      if (height % 50 === 49) await chain.reopen();
      if (height % 5 === 4) await new Promise((resolve) => setImmediate(resolve));
      for (let back = 0; back < Math.min(SWEEP.keptStates, height); back += 3)
        expect(chain.read(height - back)).toEqual(chain.expected[height - back]?.balances);
      if (height > 120) most = Math.max(most, chain.database.trieNodeCount);
    }
    await chain.sweep.stop();
    expect(chain.failures).toEqual([]);
    expect(most).toBeLessThan(1_200);
    const oldest = chain.blocks.oldest();
    expect(oldest.block).toBe(240 - 1 - KEPT_BLOCKS);
    expect(oldest.state).toBeGreaterThan(100);
    expect(chain.blocks.header(0)?.number).toBe(0);
    expect(chain.blocks.header(oldest.block - 1)).toBeUndefined();
    expect(chain.blocks.blockWithReceipts(oldest.block)?.header.number).toBe(oldest.block);
    expect(() => chain.read(10)).toThrow(expect.objectContaining({ code: "state-unavailable" }));
  });

  it("forgets where old transactions are, and nobody else's place", async () => {
    chain = new PrunedChain(directory.path);
    const transactions = await Promise.all(Array.from({ length: 100 }, (_, nonce) => sampleTransfer(nonce)));
    for (const transaction of transactions)
      await chain.blocks.append(sampleBlock(chain.blocks.head(), { transactions: [transaction] }));
    const places = transactions.map(({ hash }) => chain.blocks.placeOf(hash)?.blockNumber);
    expect(places.slice(1)).toEqual(
      Array.from({ length: 99 }, (_, at) => (at + 1 < 99 - KEPT_BLOCKS ? undefined : at + 1)),
    );
  });
});
