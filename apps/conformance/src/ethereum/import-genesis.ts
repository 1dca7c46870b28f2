import type { BlockHeader } from "@aios/consensus/domain/block";
import { requestsHash, sealHeader } from "@aios/consensus/domain/block-codec";
import { combineBlooms } from "@aios/consensus/domain/bloom";
import type { AccountState } from "@aios/consensus/domain/state";
import { keccak256 } from "@aios/core-keccak/keccak";
import { bytes32Of, fromHex } from "@aios/core-rlp/hex";
import { EMPTY_CODE_HASH, EMPTY_TRIE_ROOT, EMPTY_UNCLES_HASH } from "@aios/core-trie/empty-hashes";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { type EthereumRules, INITIAL_BASE_FEE } from "./ethereum-rules.js";
import type { GethGenesis } from "./geth-genesis.js";
import type { MemoryBlockStore } from "./memory-block-store.js";
import type { MemoryStateStore } from "./memory-state-store.js";

const ZERO_HASH = `0x${"00".repeat(32)}` as Bytes32;
/** What Geth puts where a chain that began with proof of work names none. */
const DEFAULT_DIFFICULTY = 131_072n;
const DEFAULT_GAS_LIMIT = 4_712_388n;

/** Geth: a file without a difficulty is of a chain that begins with proof of stake, unless it names its proof of work. */
function difficultyOf({ difficulty, config, mixHash }: GethGenesis): bigint {
  if (difficulty !== undefined) return difficulty;
  return config["ethash"] !== undefined && mixHash === ZERO_HASH ? DEFAULT_DIFFICULTY : 0n;
}

function commitAllocation({ alloc }: GethGenesis, states: MemoryStateStore): Bytes32 {
  const accounts = new Map<Address, AccountState>();
  const storage = new Map<Address, ReadonlyMap<Bytes32, Uint8Array>>();
  const codes = new Map<Bytes32, Uint8Array>();
  for (const [owner, { balance, nonce, code, storage: slots }] of alloc) {
    const codeHash = code.length === 0 ? EMPTY_CODE_HASH : bytes32Of(keccak256(code));
    if (code.length > 0) codes.set(codeHash, code);
    accounts.set(owner, { nonce, balance, codeHash, storageRoot: EMPTY_TRIE_ROOT });
    if (slots.size > 0) storage.set(owner, slots);
  }
  return states.commit(EMPTY_TRIE_ROOT, { accounts, storage, codes, clearedStorage: new Set() });
}

/** Commits the allocation and stores block 0, whose header has the form of the forks that hold from the start. */
export async function importGenesis(
  genesis: GethGenesis,
  rules: EthereumRules,
  states: MemoryStateStore,
  blocks: MemoryBlockStore,
): Promise<BlockHeader> {
  const { timestamp } = genesis;
  const form = rules.headerForm({ number: 0, timestamp });
  const hasBaseFee = form !== "frontier";
  const hasBlobs = form === "cancun" || form === "prague";
  const excessBlobGas = hasBlobs ? genesis.excessBlobGas : 0n;
  const header = sealHeader(
    {
      parentHash: ZERO_HASH,
      number: 0,
      timestamp,
      stateRoot: commitAllocation(genesis, states),
      transactionsRoot: EMPTY_TRIE_ROOT,
      receiptsRoot: EMPTY_TRIE_ROOT,
      withdrawalsRoot: EMPTY_TRIE_ROOT,
      requestsHash: form === "prague" ? requestsHash([]) : ZERO_HASH,
      parentBeaconBlockRoot: ZERO_HASH,
      logsBloom: combineBlooms([]),
      feeRecipient: genesis.coinbase,
      prevRandao: genesis.mixHash,
      extraData: genesis.extraData,
      gasLimit: genesis.gasLimit === 0n ? DEFAULT_GAS_LIMIT : genesis.gasLimit,
      gasUsed: 0n,
      baseFeePerGas: hasBaseFee ? (genesis.baseFeePerGas ?? INITIAL_BASE_FEE) : 0n,
      blobGasUsed: hasBlobs ? genesis.blobGasUsed : 0n,
      excessBlobGas,
      blobBaseFeePerGas: rules.blobBaseFee(excessBlobGas, timestamp),
      earlierForm: {
        form,
        difficulty: difficultyOf(genesis),
        nonce: fromHex(`0x${genesis.nonce.toString(16).padStart(16, "0")}`),
        unclesHash: EMPTY_UNCLES_HASH,
      },
    },
    [],
  );
  await blocks.append({ header, transactions: [], receipts: [] });
  return header;
}
