import { bigintToBytes, fromHex, unpad } from "@aios/core-rlp/hex";
import { encodeRlp } from "@aios/core-rlp/rlp";
import { EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import { MerklePatriciaTrie } from "@aios/core-trie/merkle-patricia-trie";
import { CodedError } from "@aios/kernel/coded-error";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { blobBaseFee } from "../../src/blob-fee.js";
import { ExecutionContext, FramePool } from "../../src/context.js";
import { executeTransaction } from "../../src/execute-transaction.js";
import { rulesOf } from "../../src/rules.js";
import type { StateReader } from "../../src/state-reader.js";
import type { Tracer } from "../../src/tracer.js";
import type { EvmTransaction } from "../../src/transaction.js";
import { WorldState } from "../../src/world-state.js";
import { keyAt } from "./keys.js";
import {
  assemble,
  blockHashOf,
  bytesOf,
  CHAIN_ID,
  type Effect,
  hexOf,
  type Outcome,
  REFUSED,
  type Scenario,
  type ScenarioTransaction,
} from "./scenario.js";

interface PlainAccount {
  readonly nonce: bigint;
  readonly balance: bigint;
  readonly code: Uint8Array;
  readonly storage: Map<string, Uint8Array>;
}
type PlainState = Map<string, PlainAccount>;

const word = (hex: string): Uint8Array => bytesOf(hex.padStart(64, "0"));

function before(scenario: Scenario): PlainState {
  return new Map(
    scenario.accounts.map(({ address, balance, nonce, code, storage }) => [
      address,
      {
        nonce: BigInt(nonce),
        balance: BigInt(balance),
        code: assemble(code),
        storage: new Map(
          Object.entries(storage).map(([key, value]) => [hexOf(word(key)), unpad(word(value))]),
        ),
      },
    ]),
  );
}

function readerOf(state: PlainState): StateReader {
  const codes = new Map([...state.values()].map(({ code }) => [hexOf(keccak_256(code)), code]));
  return {
    account: (address) => {
      const account = state.get(hexOf(address));
      if (account === undefined) return undefined;
      const { nonce, balance, code, storage } = account;
      return { nonce, balance, codeHash: keccak_256(code), hasStorage: storage.size > 0 };
    },
    code: (hash) => codes.get(hexOf(hash)) ?? new Uint8Array(0),
    storage: (address, slot) => state.get(hexOf(address))?.storage.get(hexOf(slot)) ?? new Uint8Array(0),
  };
}

function apply(state: PlainState, world: WorldState): void {
  const { accounts, codes } = world.changes();
  const codeOf = new Map(codes.map(({ hash, bytes }) => [hexOf(hash), bytes]));
  for (const change of accounts) {
    const address = hexOf(change.address);
    if (change.deleted) {
      state.delete(address);
      continue;
    }
    const storage = new Map(change.storageCleared ? [] : state.get(address)?.storage);
    for (const { key, value } of change.slots) {
      const trimmed = unpad(value);
      if (trimmed.length === 0) storage.delete(hexOf(key));
      else storage.set(hexOf(key), trimmed);
    }
    const code = codeOf.get(hexOf(change.codeHash)) ?? new Uint8Array(0);
    state.set(address, { nonce: change.nonce, balance: change.balance, code, storage });
  }
}

function trieRoot(entries: readonly (readonly [key: string, value: Uint8Array])[]): string {
  const trie = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, () => undefined);
  for (const [key, value] of entries) trie.put(keccak_256(bytesOf(key)), value);
  return trie.commit(() => undefined);
}

function stateRoot(state: PlainState): string {
  return trieRoot(
    [...state].map(([address, { nonce, balance, code, storage }]) => {
      const storageRoot = trieRoot([...storage].map(([key, value]) => [key, encodeRlp(value)]));
      const fields = [bigintToBytes(nonce), bigintToBytes(balance), fromHex(storageRoot), keccak_256(code)];
      return [address, encodeRlp(fields)];
    }),
  );
}

function transactionOf(tx: ScenarioTransaction, world: WorldState): EvmTransaction {
  const nonceOf = (key: number): bigint => world.accountAt(bytesOf(keyAt(key).address)).nonce;
  return {
    type: tx.type,
    from: bytesOf(keyAt(tx.from).address),
    to: tx.to === null ? undefined : bytesOf(tx.to),
    nonce: nonceOf(tx.from) + BigInt(tx.nonceOffset),
    gasLimit: BigInt(tx.gasLimit),
    value: BigInt(tx.value),
    data: assemble(tx.data),
    maxFeePerGas: BigInt(tx.maxFeePerGas),
    maxPriorityFeePerGas: BigInt(tx.type < 2 ? tx.maxFeePerGas : tx.maxPriorityFeePerGas),
    accessList: tx.accessList.map(({ address, slots }) => ({
      address: bytesOf(address),
      slots: slots.map(word),
    })),
    ...(tx.type === 3
      ? { maxFeePerBlobGas: BigInt(tx.maxFeePerBlobGas), blobHashes: tx.blobHashes.map(bytesOf) }
      : {}),
    ...(tx.type === 4
      ? {
          authorizations: tx.authorizations.map(({ chainId, address, nonceOffset, signer }) => ({
            chainId: BigInt(chainId),
            address: bytesOf(address),
            nonce: (signer === null ? 0n : nonceOf(signer)) + BigInt(nonceOffset),
            authority: signer === null ? undefined : bytesOf(keyAt(signer).address),
          })),
        }
      : {}),
  };
}

function run(context: ExecutionContext, tx: ScenarioTransaction, refusals: string[]): Effect {
  const transaction = transactionOf(tx, context.state);
  if (transaction.nonce < 0n) return REFUSED;
  try {
    const { status, gasUsed, output, createdAddress, logs } = executeTransaction(context, transaction);
    return {
      status: status === "succeeded" ? "succeeded" : "failed",
      gasUsed: String(gasUsed),
      output: hexOf(output),
      created: createdAddress === undefined || status !== "succeeded" ? "" : hexOf(createdAddress),
      logs: logs.map(({ address, topics, data }) => [address, ...topics, data].map(hexOf).join(" ")),
    };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    refusals.push(error.message);
    return REFUSED;
  }
}

const frames = new FramePool();

/** Runs a scenario on this engine. `tracer` selects the loop with hooks. */
export function runOwn(scenario: Scenario, tracer?: Tracer): Outcome {
  const state = before(scenario);
  const world = new WorldState(readerOf(state), { hashSeed: 0x5eed });
  const rules = rulesOf({ hardfork: scenario.fork, chainId: BigInt(CHAIN_ID) });
  const { block } = scenario;
  const context = new ExecutionContext(
    world,
    rules,
    {
      number: block.number,
      timestamp: block.timestamp,
      gasLimit: BigInt(block.gasLimit),
      baseFeePerGas: scenario.fork === "berlin" ? 0n : BigInt(block.baseFeePerGas),
      blobBaseFee: rules.blobs === undefined ? 0n : blobBaseFee(BigInt(block.excessBlobGas), rules.blobs),
      coinbase: bytesOf(block.coinbase),
      prevRandao: bytesOf(block.prevRandao),
      blockHash: blockHashOf,
    },
    frames,
  );
  context.tracer = tracer;
  const refusals: string[] = [];
  const effects = scenario.transactions.map((tx) => run(context, tx, refusals));
  apply(state, world);
  return { effects, root: stateRoot(state), refusals };
}
