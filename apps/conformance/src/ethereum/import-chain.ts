import type { BlockHeader, Receipt } from "@aios/consensus/domain/block";
import {
  headerRlp,
  receiptsRoot,
  transactionsRoot,
  withdrawalsRoot,
} from "@aios/consensus/domain/block-codec";
import type { BlockSession, SessionOpener } from "@aios/consensus/domain/block-session";
import { combineBlooms } from "@aios/consensus/domain/bloom";
import type { AccountState } from "@aios/consensus/domain/state";
import { keccak256 } from "@aios/core-keccak/keccak";
import { bytes32Of, fromHex, unpad } from "@aios/core-rlp/hex";
import { EMPTY_CODE_HASH, EMPTY_TRIE_ROOT, EMPTY_UNCLES_HASH } from "@aios/core-trie/empty-hashes";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { ImportedBlock } from "./chain-file.js";
import type { EthereumRules } from "./ethereum-rules.js";
import type { MemoryBlockStore } from "./memory-block-store.js";
import type { MemoryStateStore } from "./memory-state-store.js";

const GWEI = 1_000_000_000n;
const ZERO_HASH = `0x${"00".repeat(32)}` as Bytes32;

/** A geth genesis file, as far as it is read. */
export interface GethGenesis {
  readonly nonce: string;
  readonly timestamp: string;
  readonly extraData: string;
  readonly gasLimit: string;
  readonly difficulty: string;
  readonly mixHash: string;
  readonly coinbase: string;
  readonly alloc: Readonly<
    Record<
      string,
      {
        readonly balance: string;
        readonly nonce?: string;
        readonly code?: string;
        readonly storage?: Readonly<Record<string, string>>;
      }
    >
  >;
}

const withPrefix = (hex: string): string => (hex.startsWith("0x") ? hex : `0x${hex}`);
const word = (hex: string): Bytes32 => `0x${withPrefix(hex).slice(2).padStart(64, "0")}` as Bytes32;

/** Commits the allocation and stores block 0. */
export async function importGenesis(
  genesis: GethGenesis,
  states: MemoryStateStore,
  blocks: MemoryBlockStore,
): Promise<BlockHeader> {
  const accounts = new Map<Address, AccountState>();
  const storage = new Map<Address, Map<Bytes32, Uint8Array>>();
  const codes = new Map<Bytes32, Uint8Array>();
  for (const [key, entry] of Object.entries(genesis.alloc)) {
    const owner = withPrefix(key).toLowerCase() as Address;
    const code = fromHex(entry.code ?? "0x");
    const codeHash = code.length === 0 ? EMPTY_CODE_HASH : bytes32Of(keccak256(code));
    if (code.length > 0) codes.set(codeHash, code);
    accounts.set(owner, {
      nonce: BigInt(entry.nonce ?? 0),
      balance: BigInt(entry.balance),
      codeHash,
      storageRoot: EMPTY_TRIE_ROOT,
    });
    const slots = Object.entries(entry.storage ?? {}).map(
      ([slot, value]) => [word(slot), unpad(fromHex(word(value)))] as const,
    );
    if (slots.length > 0) storage.set(owner, new Map(slots));
  }
  const stateRoot = states.commit(EMPTY_TRIE_ROOT, { accounts, storage, codes, clearedStorage: new Set() });
  const fields = {
    parentHash: ZERO_HASH,
    number: 0,
    timestamp: Number(genesis.timestamp),
    stateRoot,
    transactionsRoot: EMPTY_TRIE_ROOT,
    receiptsRoot: EMPTY_TRIE_ROOT,
    withdrawalsRoot: EMPTY_TRIE_ROOT,
    requestsHash: ZERO_HASH,
    parentBeaconBlockRoot: ZERO_HASH,
    logsBloom: combineBlooms([]),
    feeRecipient: genesis.coinbase as Address,
    prevRandao: genesis.mixHash as Bytes32,
    extraData: fromHex(genesis.extraData),
    gasLimit: BigInt(genesis.gasLimit),
    gasUsed: 0n,
    baseFeePerGas: 0n,
    blobGasUsed: 0n,
    excessBlobGas: 0n,
    blobBaseFeePerGas: 0n,
    earlierForm: {
      form: "frontier" as const,
      difficulty: BigInt(genesis.difficulty),
      nonce: fromHex(`0x${BigInt(genesis.nonce).toString(16).padStart(16, "0")}`),
      unclesHash: EMPTY_UNCLES_HASH,
    },
  };
  const rlp = headerRlp(fields);
  // The list header of a block with no transactions and no uncles.
  const header = { ...fields, hash: bytes32Of(keccak256(rlp)), sizeBytes: rlp.length + 5 };
  await blocks.append({ header, transactions: [], receipts: [] });
  return header;
}

/** Executes a block on its parent and stores it. Throws when any root, gas or hash differs from the header's. */
export async function importBlock(
  block: ImportedBlock,
  rules: EthereumRules,
  sessions: SessionOpener,
  states: MemoryStateStore,
  blocks: MemoryBlockStore,
): Promise<void> {
  const parent = blocks.head();
  if (parent === undefined || parent.hash !== block.header.parentHash)
    throw new Error(`block ${block.header.number}: its parent is not the head`);
  const header: BlockHeader = {
    ...block.header,
    blobBaseFeePerGas: rules.blobBaseFee(block.header.excessBlobGas, block.header.timestamp),
  };
  const same = (what: string, actual: unknown, expected: unknown): void => {
    if (actual !== expected) throw new Error(`block ${header.number}: ${what} is ${actual}, not ${expected}`);
  };
  same("transactions root", transactionsRoot(block.transactions), header.transactionsRoot);
  if (header.earlierForm?.form !== "frontier")
    same("base fee", rules.nextBaseFee(parent), header.baseFeePerGas);
  same("excess blob gas", rules.nextExcessBlobGas(parent, header.timestamp), header.excessBlobGas);
  await sessions.open({ root: parent.stateRoot, overlays: [] }, rules.contextOf(header), async (session) => {
    await session.begin(parent.hash);
    const receipts = await runTransactions(session, block, rules, states, parent.stateRoot);
    payRewards(session, block, rules);
    for (const withdrawal of block.withdrawals ?? [])
      session.credit(withdrawal.address, withdrawal.amount * GWEI);
    const requestsHash = await session.finish();
    if ((header.earlierForm?.form ?? "prague") === "prague")
      same("requests hash", requestsHash, header.requestsHash);
    if ((block.withdrawals?.length ?? 0) > 0)
      same("withdrawals root", withdrawalsRoot(block.withdrawals ?? []), header.withdrawalsRoot);
    same("gas used", receipts.at(-1)?.cumulativeGasUsed ?? 0n, header.gasUsed);
    same("receipts root", receiptsRoot(receipts, block.transactions), header.receiptsRoot);
    same("state root", states.commit(parent.stateRoot, session.changes()), header.stateRoot);
    await blocks.append({
      header,
      transactions: block.transactions,
      receipts,
      uncles: block.uncles ?? [],
      withdrawals: block.withdrawals ?? [],
    });
  });
}

async function runTransactions(
  session: BlockSession,
  block: ImportedBlock,
  rules: EthereumRules,
  states: MemoryStateStore,
  parentRoot: Bytes32,
): Promise<Receipt[]> {
  const receipts: Receipt[] = [];
  let cumulativeGasUsed = 0n;
  for (const transaction of block.transactions) {
    const result = await session.runSigned(transaction);
    cumulativeGasUsed += result.gasUsed;
    const succeeded = result.error === undefined;
    receipts.push({
      succeeded,
      gasUsed: result.gasUsed,
      cumulativeGasUsed,
      contractAddress: result.created ?? null,
      logs: succeeded ? result.logs : [],
      ...(rules.isByzantium(block.header.number)
        ? {}
        : { postState: states.commitment(parentRoot, session.changes()).root }),
    });
  }
  return receipts;
}

/** Proof of work pays the block's producer, and the producers of uncles by their age. */
function payRewards(session: BlockSession, block: ImportedBlock, rules: EthereumRules): void {
  const reward = rules.blockReward(block.header);
  if (reward === 0n) return;
  for (const uncle of block.uncleHeaders)
    session.credit(uncle.feeRecipient, (BigInt(8 - (block.header.number - uncle.number)) * reward) / 8n);
  session.credit(block.header.feeRecipient, reward + (reward * BigInt(block.uncleHeaders.length)) / 32n);
}
