import type { AccountState } from "@aios/consensus/domain/state";
import { commitState } from "@aios/consensus/domain/state-commitment";
import { addressOf } from "@aios/core-rlp/hex";
import { EMPTY_CODE_HASH, EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import { orderedTrieRoot } from "@aios/core-trie/ordered-trie";
import { TrieCache } from "@aios/core-trie/trie-cache";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";

// What the roots of a block of native transfers cost, without anything around it: blocks as `npm run bench -- chain` makes them,
// all nodes in memory.
const ACCOUNTS = Number(process.env["BENCH_ACCOUNTS"] ?? 20_000);
const SENDERS = 500;
const TRANSFERS = 1_300;
const BLOCKS = 60;
const WARM_UP = 5;
const TRANSACTION_BYTES = 112;
const RECEIPT_BYTES = 270;

function addressNumber(index: number): Address {
  const bytes = new Uint8Array(20);
  new DataView(bytes.buffer).setUint32(0, index);
  return addressOf(bytes);
}

class State {
  readonly #cache = new TrieCache(() => undefined, {
    maxTries: 64,
    maxNodes: Number.POSITIVE_INFINITY,
    keptLevels: 4,
  });
  readonly #accounts = new Map<Address, AccountState>();
  #places = 0;
  #root: Bytes32 = EMPTY_TRIE_ROOT;

  /** Gives each of them another balance, and commits. */
  change(owners: Iterable<Address>): void {
    const accounts = new Map<Address, AccountState>();
    for (const owner of owners) {
      const { nonce, balance } = this.#accounts.get(owner) ?? { nonce: 0n, balance: 10n ** 20n };
      accounts.set(owner, {
        nonce: nonce + 1n,
        balance: balance - 12_345_678_901n,
        storageRoot: EMPTY_TRIE_ROOT,
        codeHash: EMPTY_CODE_HASH,
      });
    }
    const changes = { accounts, storage: new Map(), clearedStorage: new Set<Address>(), codes: new Map() };
    const { root, tries } = commitState(this.#root, this.#cache, changes, () => ++this.#places);
    for (const [each, trie] of tries) this.#cache.keep(each, trie);
    for (const [owner, account] of accounts) this.#accounts.set(owner, account);
    this.#root = root;
  }
}

/** Processor time of all threads for one transfer, in microseconds, over all blocks but the first. */
function measured(block: (number: number) => void): number {
  for (let number = 0; number < WARM_UP; number++) block(number);
  const before = process.cpuUsage();
  for (let number = WARM_UP; number < BLOCKS; number++) block(number);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / ((BLOCKS - WARM_UP) * TRANSFERS);
}

/** Every sender and a recipient of each transfer, spread over all accounts. */
function touchedIn(number: number): Set<Address> {
  const out = new Set(Array.from({ length: SENDERS }, (_, index) => addressNumber(index)));
  for (let i = 0; i < TRANSFERS; i++)
    out.add(addressNumber(((number * TRANSFERS + i) * 7_919 + number * 104_729) % ACCOUNTS));
  return out;
}

const touched = Array.from({ length: BLOCKS }, (_, number) => touchedIn(number));
const state = new State();
state.change(Array.from({ length: ACCOUNTS }, (_, index) => addressNumber(index)));
const stateMicros = measured((number) => state.change(touched[number] ?? []));
const filled = (bytes: number): Uint8Array[] =>
  Array.from({ length: TRANSFERS }, (_, index) => new Uint8Array(bytes).fill(index));
const [transactions, receipts] = [filled(TRANSACTION_BYTES), filled(RECEIPT_BYTES)];
const listMicros = measured(() => {
  orderedTrieRoot(transactions);
  orderedTrieRoot(receipts);
});

const note = `blocks of ${TRANSFERS} transfers from ${SENDERS} of ${ACCOUNTS} accounts, processor time of all threads`;
const figures = [
  { name: "state root, for a transfer", value: stateMicros },
  { name: "roots of transactions and receipts, for a transfer", value: listMicros },
].map((figure) => ({ suite: "block-roots", ...figure, unit: "µs", goal: null, better: "lower", note }));
if (process.argv.includes("--json")) for (const figure of figures) console.log(JSON.stringify(figure));
else {
  console.table(figures.map(({ name, value, unit }) => ({ name, value: value.toFixed(1), unit })));
  console.log(note);
}
