import { CodeCache } from "@aios/core-evm/code";
import { ExecutionContext, FramePool } from "@aios/core-evm/context";
import { executeTransaction } from "@aios/core-evm/execute-transaction";
import { HARDFORKS, type Hardfork } from "@aios/core-evm/hardfork";
import { type Rules, rulesOf } from "@aios/core-evm/rules";
import type { StateReader } from "@aios/core-evm/state-reader";
import type { Tracer } from "@aios/core-evm/tracer";
import { type LogEntry, WorldState } from "@aios/core-evm/world-state";
import { keccak256 } from "@aios/core-keccak/keccak";
import { bigintToBytes, fromHex, toHex, unpad } from "@aios/core-rlp/hex";
import { encodeRlp } from "@aios/core-rlp/rlp";
import { EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import { MerklePatriciaTrie } from "@aios/core-trie/merkle-patricia-trie";
import { CodedError } from "@aios/kernel/coded-error";
import type { CaseResult, Suite } from "../suite.js";
import { holdsCasesWith, readCases } from "../vectors.js";
import { refusalRemark } from "./state-exceptions.js";
import {
  blobParameters,
  bytes,
  environmentOf,
  type PostState,
  type StateVector,
  transactionOf,
  word,
} from "./state-vector.js";

/** Names of forks in the format. */
const FORKS: Readonly<Record<string, Hardfork>> = {
  ...Object.fromEntries(HARDFORKS.map((fork) => [fork, fork])),
  arrowglacier: "london",
  grayglacier: "london",
  merge: "paris",
  // Forks of blob parameters alone (EIP-7892).
  ...Object.fromEntries(["bpo1", "bpo2", "bpo3", "bpo4", "bpo5"].map((fork) => [fork, "osaka" as const])),
};
const BEFORE_BERLIN = [
  "frontier",
  "homestead",
  "eip150",
  "eip158",
  "byzantium",
  "constantinople",
  "constantinoplefix",
  "istanbul",
];

interface MutableAccount {
  nonce: bigint;
  balance: bigint;
  code: Uint8Array;
  readonly storage: Map<string, Uint8Array>;
}
type Accounts = Map<string, MutableAccount>;

function preState(vector: StateVector): Accounts {
  const accounts: Accounts = new Map();
  for (const [address, { nonce, balance, code, storage }] of Object.entries(vector.pre)) {
    const slots = Object.entries(storage).map(
      ([key, value]) => [toHex(word(key)), unpad(bytes(value))] as const,
    );
    accounts.set(toHex(bytes(address)), {
      nonce: BigInt(nonce),
      balance: BigInt(balance),
      code: bytes(code),
      storage: new Map(slots.filter(([, value]) => value.length > 0)),
    });
  }
  return accounts;
}

function readerOf(accounts: Accounts): StateReader {
  const codes = new Map([...accounts.values()].map(({ code }) => [toHex(keccak256(code)), code]));
  return {
    account: (address) => {
      const account = accounts.get(toHex(address));
      if (account === undefined) return undefined;
      const { nonce, balance, code, storage } = account;
      return { nonce, balance, codeHash: keccak256(code), hasStorage: storage.size > 0 };
    },
    code: (hash) => codes.get(toHex(hash)) ?? new Uint8Array(0),
    storage: (address, slot) => accounts.get(toHex(address))?.storage.get(toHex(slot)) ?? new Uint8Array(0),
  };
}

function applyChanges(accounts: Accounts, state: WorldState): void {
  const { accounts: changed, codes } = state.changes();
  const codeOf = new Map(codes.map(({ hash, bytes: code }) => [toHex(hash), code]));
  for (const change of changed) {
    const address = toHex(change.address);
    if (change.deleted) {
      accounts.delete(address);
      continue;
    }
    const before = accounts.get(address);
    const storage = new Map(change.storageCleared ? [] : before?.storage);
    for (const { key, value } of change.slots) {
      const trimmed = unpad(value);
      if (trimmed.length === 0) storage.delete(toHex(key));
      else storage.set(toHex(key), trimmed);
    }
    const code = codeOf.get(toHex(change.codeHash)) ?? new Uint8Array(0);
    accounts.set(address, { nonce: change.nonce, balance: change.balance, code, storage });
  }
}

function trieRoot(entries: Iterable<readonly [key: Uint8Array, value: Uint8Array]>): string {
  const trie = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, () => undefined);
  for (const [key, value] of entries) trie.put(keccak256(key), value);
  return trie.commit(() => undefined);
}

function stateRoot(accounts: Accounts): string {
  return trieRoot(
    [...accounts].map(([address, { nonce, balance, code, storage }]) => {
      const storageRoot = trieRoot(
        [...storage].map(([key, value]) => [fromHex(key), encodeRlp(value)] as const),
      );
      const fields = [bigintToBytes(nonce), bigintToBytes(balance), fromHex(storageRoot), keccak256(code)];
      return [fromHex(address), encodeRlp(fields)] as const;
    }),
  );
}

function logsHash(logs: readonly LogEntry[]): string {
  return toHex(keccak256(encodeRlp(logs.map(({ address, topics, data }) => [address, [...topics], data]))));
}

const frames = new FramePool();
const codes = new CodeCache();

interface Outcome {
  readonly root: string;
  readonly logs: string;
  /** Code of the refusal. */
  readonly refusal: string | undefined;
  readonly gasUsed: bigint;
}

/** Above this a case is not run a second time with a tracer. */
const TRACED_GAS_LIMIT = 50_000_000n;

function run(vector: StateVector, post: PostState, rules: Rules, tracer: Tracer | undefined): Outcome {
  const accounts = preState(vector);
  const state = new WorldState(readerOf(accounts), { codes });
  const context = new ExecutionContext(state, rules, environmentOf(vector, rules), frames);
  context.tracer = tracer;
  let logs: readonly LogEntry[] = [];
  let gasUsed = 0n;
  let refusal: string | undefined;
  try {
    ({ logs, gasUsed } = executeTransaction(context, transactionOf(vector, post)));
  } catch (error) {
    if (post.expectException === undefined || !(error instanceof CodedError)) throw error;
    refusal = error.code;
  }
  if (refusal === undefined) applyChanges(accounts, state);
  return { root: stateRoot(accounts), logs: logsHash(logs), refusal, gasUsed };
}

type Verdict = Pick<CaseResult, "status" | "detail">;

function verdictOf(vector: StateVector, post: PostState, rules: Rules): Verdict {
  let remark: string | undefined;
  // Both loops of the interpreter: the one that runs and the one that tells.
  for (const tracer of [undefined, {}]) {
    const { root, logs, refusal, gasUsed } = run(vector, post, rules, tracer);
    const how = tracer === undefined ? "" : "traced: ";
    if (post.expectException !== undefined) {
      if (refusal === undefined) return failed(`${how}the transaction ran; expected ${post.expectException}`);
      remark ??= refusalRemark(refusal, post.expectException);
    }
    if (logs !== post.logs) return failed(`${how}logs hash ${logs}, expected ${post.logs}`);
    if (root !== post.hash) return failed(`${how}state root ${root}, expected ${post.hash}`);
    if (gasUsed > TRACED_GAS_LIMIT) break;
  }
  return { status: "passed", ...(remark === undefined ? {} : { detail: remark }) };
}

function failed(detail: string): Verdict {
  return { status: "failed", detail };
}

function check(vector: StateVector, forkName: string, fork: Hardfork, post: PostState): Verdict {
  try {
    const chainId = BigInt(vector.config?.chainid ?? "0x1");
    const rules = rulesOf({ hardfork: fork, chainId, blobs: blobParameters(vector, forkName, fork) });
    return verdictOf(vector, post, rules);
  } catch (error) {
    return failed(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}

export const stateSuite: Suite = {
  name: "state",
  describe: "GeneralStateTests of ethereum/tests and execution-spec-tests, from Berlin on",
  accepts: (path) => holdsCasesWith(path, ["env", "pre", "transaction", "post"]),
  async *runFile(path): AsyncIterable<CaseResult> {
    for (const [title, vector] of await readCases<StateVector>(path)) {
      for (const [forkName, posts] of Object.entries(vector.post)) {
        const fork = FORKS[forkName.toLowerCase()];
        for (const post of posts) {
          const { data, gas, value } = post.indexes;
          const name = `${title} ${forkName} d${data} g${gas} v${value}`;
          if (fork === undefined) {
            const old = BEFORE_BERLIN.includes(forkName.toLowerCase());
            const detail = old ? `${forkName} is before Berlin` : `fork ${forkName} is not known`;
            yield { name, status: old ? "skipped" : "failed", detail };
            continue;
          }
          yield { name, ...check(vector, forkName, fork, post) };
        }
      }
    }
  },
};
